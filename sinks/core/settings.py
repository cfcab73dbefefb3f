"""Where things lie and how this office runs the program: environment variables and nothing else."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from sinks.core.errors import Invalid

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Settings:
    """One office's settings.

    database_url
        A PostgreSQL server of the office; ``None`` means the private cluster in ``data_dir``.
    migration_url
        Role that may create tables there; the database URL itself if the office names none.
    map_review_number
        审图号 printed on public maps and papers.
    """

    data_dir: Path
    database_url: str | None
    migration_url: str | None
    port: int
    tianditu_url: str | None
    tianditu_key: str | None
    basemap_cog: Path | None
    map_review_number: str | None
    public_url: str | None
    dask_scheduler: str | None

    @property
    def layers_dir(self) -> Path:
        return self.data_dir / "layers"

    @property
    def documents_dir(self) -> Path:
        return self.data_dir / "documents"


def data_dir() -> Path:
    """The folder of the private cluster, the layers and the papers.

    The database never runs as root, so root's cluster needs a folder that the ``postgres`` user
    can reach. Where a closed folder lies above the project (a clone below /root), data goes to
    /var/lib, named after the project's place.
    """
    if named := os.environ.get("SINKS_DATA_DIR"):
        return Path(named).resolve()
    inside = ROOT / "data"
    if os.geteuid() != 0 or _others_can_reach(ROOT):
        return inside
    return Path("/var/lib/sinks") / hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]


def keep_compiled_code(folder: Path) -> None:
    """Have what numba compiles kept below this data folder, where this user may write there.

    Call it before the first import of numba. Without it compiled code lies beside the source, or in a
    folder of the user's own (``gis_data.compiled``).
    """
    if os.access(folder, os.W_OK):
        os.environ.setdefault("NUMBA_CACHE_DIR", str(folder / "compiled"))


def _others_can_reach(folder: Path) -> bool:
    return all(part.stat().st_mode & 0o001 for part in (folder, *folder.parents))


def load() -> Settings:
    """Settings of this process, read from the environment.

    Raises
    ------
    Invalid
        SINKS_PORT is not a number.
    """
    port = os.environ.get("SINKS_PORT", "8501")
    if not port.isdigit():
        raise Invalid(f"SINKS_PORT 应为端口号，现在是 {port!r}。", code="bad_setting")
    cog = os.environ.get("SINKS_BASEMAP_COG")
    return Settings(
        data_dir=data_dir(),
        database_url=os.environ.get("SINKS_DATABASE_URL"),
        migration_url=os.environ.get("SINKS_MIGRATION_URL"),
        port=int(port),
        tianditu_url=os.environ.get("SINKS_TIANDITU_URL"),
        tianditu_key=os.environ.get("SINKS_TIANDITU_KEY"),
        basemap_cog=Path(cog) if cog else None,
        map_review_number=os.environ.get("SINKS_MAP_REVIEW_NUMBER"),
        public_url=os.environ.get("SINKS_PUBLIC_URL"),
        dask_scheduler=os.environ.get("SINKS_DASK_SCHEDULER") or None,
    )
