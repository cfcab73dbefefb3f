"""From a file of outlines to a retired credit, by the command line alone; each by whose part it is."""

from datetime import date
from pathlib import Path

import pytest

from sinks.core import db, policies
from tests import world
from tests.cli.cli_help import geojson

CERTIFICATE = "浙（2023）安吉县不动产权第0012345号"


@pytest.fixture
def land_file(write) -> Path:
    """Two neighbouring outlines of 400 x 400 m in Anji."""
    return write("land.geojson", geojson(world.land(0, 0, 400, 400), world.land(400, 0, 400, 400)))


def decide_policies(registry) -> None:
    """Two registrars put every policy in force, with notices of no days."""
    chosen = {
        key: kind.suggested
        for key, kind in policies.KINDS.items()
        if key != "market_leakage_share.moso-mgmt"
    }
    chosen |= {"baseline_n_cap_kg_ha.tea-n2o": 450}
    chosen |= {"notice_days.project": 0, "notice_days.round": 0, "unit_kg": 10}
    chosen |= {"baseline.moso-mgmt": "steady_state"} if "baseline.moso-mgmt" in chosen else {}
    for key, value in chosen.items():
        row = registry.done("policy", "propose", key, value, "--basis", "测试", by="registrar")
        registry.done("policy", "approve", row["id"], by="registrar2")


def enrolled(registry, land_file: Path) -> list[str]:
    """Import, add the certificates, submit, review, enrol; the parcels' codes."""
    registry.done(
        "land", "import", land_file, "--type", "bamboo", "--owner", world.VILLAGE, by="officer"
    )
    codes = [row["code"] for row in registry.done("land", "list", by="officer")["parcels"]]
    for code in codes:
        # The file names no certificate; that right is replaced by one that does.
        [pending] = registry.done("land", "rights", "list", code, by="officer")["rights"]
        registry.done("land", "rights", "remove", pending["id"], by="officer")
        registry.done(
            "land", "rights", "add", code, "--party", world.VILLAGE, "--kind", "land_use",
            "--certificate-kind", "real_estate", "--certificate", CERTIFICATE,
            "--term-from", "2020-01-01", "--term-to", "2060-01-01",
            by="officer",
        )  # fmt: skip
    registry.done("land", "submit", *codes, by="officer")
    registry.done("land", "review", *codes, by="officer2")
    done = registry.done("land", "enrol", *codes, by="officer2")
    assert {row["status"] for row in done["parcels"]} == {"enrolled"}
    paused = registry.done("land", "suspend", codes[0], "--reason", "界线不清", by="officer")
    assert paused["parcels"][0]["status"] == "suspended"
    again = registry.done("land", "resume", codes[0], "--reason", "已核实", by="officer2")
    assert again["parcels"][0]["status"] == "enrolled"
    return codes


def layers(registry, folder: Path) -> list[int]:
    """Two biomass layers with their errors, 8 Mg/ha apart."""
    ids = []
    for number, (day, value) in enumerate((("2023-01-01", 55.0), ("2025-01-01", 63.0))):
        raster = world.biomass(folder / f"agb{number}.tif", value, seed=number)
        errors = world.biomass(folder / f"se{number}.tif", 9.0, seed=10 + number, noise=0.5)
        row = registry.done(
            "layers", "add", raster, "--variable", "agb", "--unit", "Mg/ha", "--date", day,
            "--stderr", errors, "--phase", "on", "--licence", "CC0", "--source", "测试合成",
            by="officer",
        )  # fmt: skip
        ids.append(row["id"])
    assert [row["id"] for row in registry.done("layers", "list")["layers"]] == ids[::-1]
    return ids


def recorded_round(registry, people, codes: list[str], layer_ids: list[int], write) -> int:
    """Contract, project and round up to the quantity filing; the round's id."""
    registry.done(
        "contract", "draft", "收储-1", "--counterparty", world.VILLAGE,
        *(word for code in codes for word in ("--parcel", code)),
        "--from", "2023-01-01", "--to", "2043-01-01", "--net-share", "0.8",
        "--fee-fen-mu-year", 1693, "--estimate-kg", 40_000, "--exit-clause", "提前一年通知", by="clerk",
    )  # fmt: skip
    assert registry.refused("contract", "sign", "收储-1", by="clerk") == "two_people"
    registry.done("contract", "sign", "收储-1", by="clerk2")
    project = registry.done(
        "project", "create", "安吉毛竹", *(w for code in codes for w in ("--parcel", f"{code}=A")),
        by="clerk",
    )["code"]  # fmt: skip
    registry.done("project", "publish", project, by="clerk")
    registry.done("project", "validate", project, "--statement", "符合", by="verifier")
    row = registry.done("project", "register", project, "--filing-no", "备案-1", by="authority")
    with db.transaction(people["clerk"]) as session:
        world.add_plots(session, people, row["id"], 30)
    opened = registry.done(
        "round",
        "open",
        project,
        "--start-layer",
        layer_ids[0],
        "--end-layer",
        layer_ids[1],
        "--facts",
        write("facts.json", world.MANAGED),
        by="clerk",
    )
    round_id = opened["id"]
    measured = registry.done("round", "measure", round_id, by="clerk")
    assert measured["status"] == "measured" and measured["run"]["policies_in_force"]
    assert registry.done("round", "remeasure", round_id)["same_result"] is True
    other = registry.done("round", "what-if", round_id, "--policy", "deduction=flat", by="clerk")
    assert other["alternatives"][0]["deduction_share"] == pytest.approx(0.15)
    registry.done("round", "evidence", round_id, write("经营记录.json", {}), by="clerk")
    registry.done("round", "publish", round_id, by="clerk")
    registry.done("round", "begin", round_id, by="verifier")
    found = registry.done(
        "round", "finding", round_id, "--field", "样地", "--text", "请补充照片", by="verifier"
    )
    assert found["status"] == "findings"
    back = registry.done("round", "answer", found["finding"], "--text", "已补充", by="clerk")
    assert back["status"] == "under_verification"
    registry.done("round", "verify", round_id, "--statement", "成立", by="verifier")
    assert (
        registry.refused("round", "record", round_id, "--filing-no", "x", by="verifier") == "role"
    )
    registry.done("round", "record", round_id, "--filing-no", "碳备-1", by="authority")
    return round_id


def retire_for_a_case(registry, account: int, layer_id: int, folder: Path, write) -> dict:
    """A court case from its opening to the confirmation; the certificate's answer."""
    for name in ("letter.txt", "request.pdf", "consent.pdf", "voucher.pdf"):
        (folder / name).write_text(f"{name} 内容", encoding="utf-8")
    case = registry.done(
        "restoration", "open", "(2026)浙0591刑初12号", "--defendant", "李小四", "--cause", "滥伐林木罪",
        "--damage", "forest", by="court",
    )["case_no"]  # fmt: skip
    assert case == "（2026）浙0591刑初12号"
    registry.done("restoration", "request", case, "--appraiser", "湖州市林业调查院", "--letter",
                  folder / "letter.txt", by="court")  # fmt: skip
    site = write("site.geojson", geojson(world.land(100, 100, 40, 50)))
    drawn = registry.done("restoration", "site", case, "--file", site, by="appraiser")
    assert drawn["area_m2"] == pytest.approx(2000, rel=1e-3)
    figure = registry.done("restoration", "stock", case, "--layer", layer_id, by="appraiser")
    facts = {
        "method": "M1", "delta_c_t_ha": figure["delta_c_t_ha"], "annual_t_ha": 5.85,
        "recovery_years": 5, "recovery": "linear", "discount": 0.03, "phi": 0.0, "k": 1.0,
        "unit_kg": 10, "price_fen_t": 7341,
    }  # fmt: skip
    signed = registry.done("restoration", "sign", case, "--input", write("facts.json", facts),
                           "--basis", figure["basis"], "--layer", layer_id, by="appraiser")  # fmt: skip
    assert signed["quantity_kg"] > 1000
    registry.done("restoration", "consent", case, "--request", folder / "request.pdf",
                  "--consent", folder / "consent.pdf", by="court")  # fmt: skip
    today = date.today().isoformat()
    registry.done(
        "restoration", "order", case, "--kind", "判决书", "--decided", today, "--effective", today,
        "--basis", "法释〔2022〕16号第二十条", "--quantity-kg", signed["quantity_kg"],
        "--seller", "安吉县两山合作社", "--duty", "补植三年", by="court",
    )  # fmt: skip
    assert registry.refused("restoration", "retire", case, by="registrar") == "step"
    registry.done("restoration", "lock", case, "--account", account, by="clerk")
    registry.done("restoration", "pay", case, "--voucher", folder / "voucher.pdf", by="clerk")
    retired = registry.done("restoration", "retire", case, by="registrar")
    assert retired["serials"] and retired["serials"][0].startswith("HZ-330523-ZL-")
    paper = registry.done(
        "restoration", "certify", case, "--out", folder / "retired.pdf", by="registrar"
    )
    registry.done("restoration", "confirm", case, by="court")
    shown = registry.done("restoration", "show", case, by="court")
    assert shown["status"] == "confirmed" and shown["certificate"] == paper["number"]
    assert registry.done("restoration", "list", by="clerk")["cases"][0]["case_no"] == case
    assert registry.done("restoration", "list", by="officer")["cases"] == []
    answer = registry.done("certificate", "check", folder / "retired.pdf")
    assert answer["retired_kg"] == signed["quantity_kg"]
    assert "李小四" not in str(answer)
    return answer


def plots_by_table(registry, round_id: int, folder: Path) -> None:
    """One more plot for the rounds to come; a wrong row stores nothing."""
    known = registry.done("round", "plots", "list", round_id, by="clerk")["plots"]
    x, y = world.TO_4490.transform(world.EAST_M + 300, world.NORTH_M + 300)
    head = "plot,stratum,lon,lat,area_m2,slope_deg,date,phase,dbh_cm,age_du,count\n"
    row = f"N9,A,{x},{y},400,0,2025-01-03,on,10,2,18\n"
    bad, good = folder / "bad.csv", folder / "good.csv"
    bad.write_text(head + row + row.replace(",on,", ",大大年,"))
    good.write_text(head + row)
    assert registry.refused("round", "plots", "import", round_id, bad, by="clerk") == (
        "plot_table_errors"
    )
    assert registry.refused("round", "plots", "import", round_id, good, by="court")
    done = registry.done("round", "plots", "import", round_id, good, by="clerk")
    assert (done["plots"], done["visits"], done["culms"]) == (1, 1, 18)
    now = registry.done("round", "plots", "list", round_id, by="clerk")["plots"]
    assert len(now) == len(known) + 1
    assert registry.done("round", "remeasure", round_id)["same_result"]


def test_the_whole_way_from_a_file_to_a_retired_credit(
    registry, people, land_file: Path, tmp_path: Path, write
) -> None:
    decide_policies(registry)
    codes = enrolled(registry, land_file)
    layer_ids = layers(registry, tmp_path)
    round_id = recorded_round(registry, people, codes, layer_ids, write)
    assert registry.refused("round", "issue", round_id, by="authority") == "role"
    issued = registry.done("round", "issue", round_id, by="registrar")
    assert issued["status"] == "issued" and issued["holders_kg"] > 100_000
    assert sum(batch["units"] * batch["unit_kg"] for batch in issued["batches"]) == (
        issued["holders_kg"] + issued["buffer_kg"]
    )
    assert registry.refused("round", "issue", round_id, by="registrar") == "step"
    report = tmp_path / "report.pdf"
    registry.done("round", "report", round_id, "--out", report, by="auditor")
    assert report.read_bytes().startswith(b"%PDF-")
    page = tmp_path / "report.html"
    registry.done("round", "report", round_id, "--out", page, by="auditor")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert registry.refused("round", "report", round_id, "--out", report, by="appraiser") == "role"
    plots_by_table(registry, round_id, tmp_path)
    [line] = registry.done("contract", "balance", by="clerk")["lines"]
    assert line["held_kg"] == issued["holders_kg"]
    account = line["account_id"]
    balance = registry.done("ledger", "balance", by="clerk")
    assert sum(balance["totals_kg"].values()) == 0
    assert {row["id"]: row["balance_kg"] for row in balance["accounts"]}[account] == (
        issued["holders_kg"]
    )
    statement = registry.done("ledger", "statement", account, by="clerk")
    assert statement["lines"][-1]["balance_kg"] == issued["holders_kg"]
    assert registry.refused("ledger", "statement", account, by="court") == "account"
    paper = tmp_path / "held.pdf"
    held = registry.done("certificate", "holding", account, "--out", paper, by="clerk")
    assert registry.done("certificate", "check", held["number"])["held_kg"] == issued["holders_kg"]
    assert (
        registry.refused(
            "certificate", "holding", account, "--out", tmp_path / "second.pdf", by="clerk2"
        )
        == "certified"
    )
    keys = tmp_path / "keys.json"
    registry.done("certificate", "keys", "--out", keys)
    offline = registry.done("certificate", "check", paper, "--keys", keys)
    assert offline["genuine"] and offline["number"] == held["number"]
    retire_for_a_case(registry, account, layer_ids[1], tmp_path, write)
    assert registry.done("certificate", "check", paper)["ended"]
    paper.write_bytes(paper.read_bytes().replace(b"%%EOF", b"%%EoF", 1))
    assert registry.refused("certificate", "check", paper) == "not_genuine"
    assert registry.refused("certificate", "check", paper, "--keys", keys) == "not_genuine"
    assert registry.done("ledger", "verify")["broken"] == []
    assert registry.done("audit", "seal", by="auditor")["sealed"] > 50
    chain = registry.done("audit", "verify")
    assert chain["ok"] and chain["unsealed"] == 0
    verified = registry.done("db", "verify")
    # Layers with errors, the imported file, two certificates, what proves the period; the four
    # papers of the case are seen by those who may.
    assert verified["ok"] and verified["files"]["registered"] == 4 + 1 + 2 + 1
    assert registry.done("db", "verify", by="auditor")["files"]["registered"] == 4 + 1 + 2 + 1 + 4
    for words in (("round", "show", round_id), ("land", "list"), ("ledger", "balance"),
                  ("contract", "balance"), ("contract", "list")):  # fmt: skip
        said = registry(*words, by="clerk")
        assert said.status == 0 and said.out.strip(), said.err
