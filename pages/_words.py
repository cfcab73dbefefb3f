"""Words and numbers as a person reads them, in Chinese and English.

Every state of every life cycle has its word and its colour here and nowhere else, so that map,
list and paper agree. Numbers are shown from exact values and rounded here only, half up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType

import streamlit as st

# Read through this module, with all other words.
from sinks.web.words import DISTRICTS as DISTRICTS
from sinks.web.words import SINK_TYPES as SINK_TYPES

LANGUAGES = ("zh", "en")

# The one palette. Grey: not yet or not any more; blue: under way; green: holds; amber: waits for
# somebody; red: stands in the way. The second row keeps apart what lies side by side on a map.
GREY, BLUE, GREEN, AMBER, RED, VIOLET, INK = (
    "#66736d", "#2b6cb0", "#1f7a4d", "#a65f00", "#b3261e", "#6b46a8", "#1d2b26",
)  # fmt: skip
TEAL, OLIVE, MAUVE = "#0b7285", "#647200", "#8c5a6b"


@dataclass(frozen=True, slots=True)
class State:
    """A state's word in both languages and its colour."""

    zh: str
    en: str
    colour: str

    @property
    def word(self) -> str:
        return t(self.zh, self.en)


def _states(*rows: tuple[str, str, str, str]) -> Mapping[str, State]:
    return MappingProxyType({code: State(zh, en, colour) for code, zh, en, colour in rows})


OVERLAP_CASE = _states(
    ("open", "待处理", "Open", AMBER),
    ("proposed", "待决定", "Proposed", BLUE),
    ("decided", "已决定", "Decided", GREEN),
    ("lapsed", "已失去对象", "Lapsed", GREY),
)
PROGRAMME_CLAIM = _states(
    ("standing", "占用中", "Standing", VIOLET),
    ("disputed", "有争议", "Disputed", RED),
    ("ended", "已终止", "Ended", GREY),
)
OVERLAPS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "overlap": ("重叠超过 1 米宽", "Overlap wider than 1 m"),
        "slivers": ("窄条重叠合计超限", "Slivers that add up"),
        "duplicate": ("与曾经入库的地块同形", "Shape of an earlier parcel"),
        "programme": ("与其他机制的项目重叠", "Overlap with another programme"),
    }
)
CASE_PAPERS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "photo": ("现场照片", "Photo"),
        "certificate": ("旧证书", "Old certificate"),
        "survey": ("测绘成果", "Survey"),
        "agreement": ("协议", "Agreement"),
        "other": ("其他", "Other"),
    }
)
OUTCOMES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "parcel_stands": ("以后报地块的边界为准", "The later boundary stands"),
        "other_stands": ("以先有一方的边界为准", "The earlier boundary stands"),
        "both_redrawn": ("双方都重新勾绘", "Both are redrawn"),
        "within_accuracy": (
            "在测量精度之内，窄条归先登记的一方",
            "Within accuracy: slivers go to the earlier",
        ),
        "reregistration": ("同一块地重新登记", "Re-registration of the same land"),
    }
)
SUCCESSIONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"split": ("拆分", "split"), "merge": ("合并", "merge")}
)
POOLS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "all": ("全部", "All"),
        "biomass": ("生物质", "Biomass"),
        "dead_wood": ("枯死木", "Dead wood"),
        "litter": ("枯落物", "Litter"),
        "soil": ("土壤", "Soil"),
        "wood_products": ("木产品", "Wood products"),
        "non_co2": ("非二氧化碳气体", "Gases other than CO2"),
    }
)
PARCEL = _states(
    ("draft", "草稿", "Draft", GREY),
    ("submitted", "已报", "Submitted", BLUE),
    ("rights_reviewed", "权属材料已审", "Rights reviewed", TEAL),
    ("enrolled", "已入库", "Enrolled", OLIVE),
    ("under_contract", "已签碳汇收储合同", "Under contract", GREEN),
    ("suspended", "暂停", "Suspended", AMBER),
    ("withdrawn", "退出", "Withdrawn", MAUVE),
    ("disputed", "争议", "Disputed", RED),
)
PROJECT = _states(
    ("draft", "草稿", "Draft", GREY),
    ("public_notice", "公示", "Public notice", AMBER),
    ("under_validation", "审定", "Under validation", BLUE),
    ("registered", "项目备案", "Registered", GREEN),
    ("crediting", "计入期", "Crediting", GREEN),
    ("completed", "已结束", "Completed", GREY),
    ("rejected", "不予备案", "Rejected", RED),
    ("withdrawn", "撤回", "Withdrawn", GREY),
    ("deregistered", "取消备案", "Deregistered", GREY),
)
ROUND = _states(
    ("open", "已开启", "Open", BLUE),
    ("measured", "已核算", "Measured", BLUE),
    ("public_notice", "公示", "Public notice", AMBER),
    ("under_verification", "核证中", "Under verification", BLUE),
    ("findings", "整改", "Findings", AMBER),
    ("verified", "已核证", "Verified", GREEN),
    ("recorded", "碳汇量备案", "Recorded", GREEN),
    ("issued", "登记签发", "Issued", GREEN),
)
BLOCK = _states(
    ("held", "持有", "Held", GREEN),
    ("listed", "挂牌", "Listed", BLUE),
    ("reserved", "预留", "Reserved", AMBER),
    ("pledged", "质押", "Pledged", VIOLET),
    ("frozen", "司法冻结", "Frozen by court", RED),
    ("buffer", "缓冲", "Buffer", GREY),
    ("retired", "注销", "Retired", INK),
    ("revoked", "撤销签发", "Revoked", RED),
    ("exported", "转出", "Exported", INK),
)
CONTRACT = _states(
    ("drafted", "草拟", "Drafted", GREY),
    ("signed", "已签", "Signed", GREEN),
    ("paid", "已付款", "Paid", GREEN),
    ("reconciled", "已核对", "Reconciled", GREEN),
    ("closed", "已终止", "Ended", INK),
)
DISTRIBUTION = _states(
    ("sale", "已售", "Sold", BLUE),
    ("net", "已算净额", "Net computed", BLUE),
    ("shares_frozen", "份额已锁定", "Shares frozen", BLUE),
    ("published", "公示", "Published", AMBER),
    ("approved", "已批准", "Approved", GREEN),
    ("paid", "已兑付", "Paid", INK),
)
CASE = _states(
    ("opened", "已立案", "Opened", GREY),
    ("requested", "已委托测算", "Requested", BLUE),
    ("appraised", "测算意见已签署", "Appraised", BLUE),
    ("consented", "申请与同意已归档", "Consented", BLUE),
    ("mediation_notice", "公告", "Mediation notice", AMBER),
    ("ordered", "已作出决定", "Ordered", BLUE),
    ("locked", "碳汇量已锁定", "Locked", VIOLET),
    ("paid", "价款已付", "Paid", GREEN),
    ("retired", "碳汇量已注销", "Retired", GREEN),
    ("certified", "证书已出具", "Certified", GREEN),
    ("confirmed", "履行已确认", "Confirmed", GREEN),
    ("closed", "结案", "Closed", INK),
    ("overdue", "逾期", "Overdue", RED),
    ("fallback", "改用其他履行方式", "Fallback", AMBER),
    ("suspended", "中止", "Suspended", AMBER),
    ("revoked", "撤销", "Revoked", RED),
)
# (Chinese, English)
ROLES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "officer": ("林业员", "Forestry officer"),
        "cooperative": ("合作社经办", "Cooperative clerk"),
        "developer": ("项目业主", "Project developer"),
        "verifier": ("核证员", "Verifier"),
        "authority": ("主管部门", "Authority"),
        "registrar": ("登记机构", "Registrar"),
        "appraiser": ("林业调查机构", "Appraiser"),
        "court": ("法院", "Court"),
        "prosecutor": ("检察院", "Procuratorate"),
        "buyer": ("购买方", "Buyer"),
        "bank": ("银行", "Bank"),
        "insurer": ("保险机构", "Insurer"),
        "auditor": ("审计", "Auditor"),
        "admin": ("管理员", "Administrator"),
        "public": ("公众", "Public"),
    }
)


def lang() -> str:
    """Language of this person's screens: ``zh`` or ``en``; Chinese unless they chose.

    What they chose on this screen, else ``?lang=`` of the address, else the cookie ``lang``.
    """
    for chosen in (
        st.session_state.get("lang"),
        st.query_params.get("lang"),
        st.context.cookies.get("lang"),
    ):
        if chosen in LANGUAGES:
            return str(chosen)
    return "zh"


def t(zh: str, en: str) -> str:
    """The text in this person's language."""
    return en if lang() == "en" else zh


def word(table: Mapping[str, tuple[str, str]], code: str) -> str:
    """A role's, sink type's or district's word. An unknown code is a mistake and fails."""
    return t(*table[code])


def mu_ha(area_m2: Decimal | float) -> str:
    """An area as ``12.46 亩（0.8307 公顷）``. 1 ha = 15 亩 exactly."""
    area = _decimal(area_m2)
    mu, ha = _shown(area * 15 / 10_000, 2), _shown(area / 10_000, 4)
    return t(f"{mu} 亩（{ha} 公顷）", f"{mu} mu ({ha} ha)")


def mu(area_m2: Decimal | float) -> str:
    """An area in 亩 alone, without its unit: for a column whose heading names it."""
    return _shown(_decimal(area_m2) * 15 / 10_000, 2)


def tonnes(amount_kg: int) -> str:
    """A ledger amount as ``1.000 tCO₂e``: three decimals show every kilogram."""
    return f"{_shown(_whole(amount_kg) / 1000, 3)} tCO₂e"


def kilograms(amount_kg: int) -> str:
    """A ledger amount as ``1,000 kg CO₂e``."""
    return f"{_shown(_whole(amount_kg), 0)} kg CO₂e"


def estimate(amount_kg: int) -> str:
    """An estimated amount, with the words that keep it apart from a verified one."""
    label = t("预估量（未核证）", "estimate (not verified)")
    return f"{_shown(_whole(amount_kg) / 1000, 1)} tCO₂e {label}"


def co2_t(amount_t: Decimal | float, stderr_t: Decimal | float | None = None) -> str:
    """A measured quantity as ``+3.10 ± 0.62 tCO₂e``; the sign is kept, a plus is removal."""
    amount = _decimal(amount_t)
    shown = f"{'+' if amount > 0 else ''}{_shown(amount, 2)}"
    if stderr_t is not None:
        shown += f" ± {_shown(_decimal(stderr_t), 2)}"
    return f"{shown} tCO₂e"


def money(amount_fen: int) -> str:
    """Money as ``2,422.53 元``."""
    yuan = _shown(_whole(amount_fen) / 100, 2)
    return t(f"{yuan} 元", f"CNY {yuan}")


def share(value: Decimal | float) -> str:
    """A share 0..1 as per cent with one decimal."""
    return f"{_shown(_decimal(value) * 100, 1)}%"


def number(value: Decimal | float | None, decimals: int) -> str:
    """A number for reading, in a column or a sentence that names its unit; a dash for none."""
    return "—" if value is None else _shown(_decimal(value), decimals)


def _decimal(value: Decimal | float) -> Decimal:
    # Through repr: 0.1 is shown as 0.1, not as the binary number nearest to it.
    return value if isinstance(value, Decimal) else Decimal(repr(float(value)))


def _whole(value: int) -> Decimal:
    # A float here would mean that a ledger amount or a price went through floating point.
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"a ledger amount or money is an integer, not {value!r}")
    return Decimal(value)


def _shown(value: Decimal, decimals: int) -> str:
    # A small loss must not read as "-0.00".
    rounded = value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return f"{rounded if rounded else abs(rounded):,}"
