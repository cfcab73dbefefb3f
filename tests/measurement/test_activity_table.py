"""Tables of activity records: rows are read as an office writes them, and all are stored or none."""

import csv
import io

import openpyxl
import pytest
from sqlalchemy.orm import Session

from methodologies import activity
from sinks.core.actor import Actor
from sinks.core.errors import Invalid
from sinks.land.parcels import codes_of
from sinks.measurement import activity_records, activity_table, activity_words
from sinks.measurement.office_tables import TableRefused
from tests import world

HEAD = "地块编号,年份,矿质土,产量（吨/公顷）,焚烧秸秆（吨干重/公顷）"


def burning(*rows: str, head: str = HEAD) -> bytes:
    return "\n".join((head, *rows)).encode("gb18030")


def parsed(*rows: str) -> activity_table.RecordTable:
    return activity_table.parse("residue_burning", "焚烧.csv", burning(*rows))


def test_a_table_in_chinese_or_by_field_names_is_read_alike() -> None:
    chinese = parsed("330523-NT-000001,2023,是,6.5,0")
    english = activity_table.parse(
        "residue_burning", "x.csv",
        b"parcel,year,mineral_soil,yield_t_ha,burnt_t_dm_ha\n330523-NT-000001,2023,yes,6.5,0\n",
    )  # fmt: skip
    assert chinese == english and chinese.errors == []
    assert chinese.rows[0].values == {
        "mineral_soil": True, "yield_t_ha": 6.5, "burnt_t_dm_ha": 0.0
    }  # fmt: skip


def test_every_faulty_row_is_named_with_the_row_of_the_spreadsheet() -> None:
    table = parsed(
        "A,2023,是,6,1", "A,23,是,6,1", "A,2023,也许,6,1", "A,2024,是,,1", "A,2024,是,6,多"
    )
    assert [one.number for one in table.errors] == [3, 4, 5, 6]
    said = "".join(one.message for one in table.errors)
    assert "“是”或“否”" in said and "产量（吨/公顷）：须为数字" in said and "“多”不是数字" in said


def test_a_wetlands_measurements_are_read_whole_numbers_and_answers_too() -> None:
    head = activity_table.template("wetland_gas").decode("utf-8-sig").strip()
    table = activity_table.parse(
        "wetland_gas", "甲烷.csv",
        burning(
            "A,2023,草本沼泽,235.5,12,是,0,6,1.5", "A,2024,marsh,,,,,,", "A,2024,沼泽,1,12,是,,,",
            "A,2024,沟渠,1,12.5,是,,,", "A,2024,沟渠,1,12,,,,", head=head,
        ),
    )  # fmt: skip
    assert table.rows[0].values == {
        "land_class": "marsh", "ch4_kg_ha": 235.5, "ch4_campaigns": 12, "ch4_ebullition": True,
        "n2o_kg_ha": 0.0, "doc_mg_l": 6.0, "water_depth_m": 1.5,
    }  # fmt: skip
    assert set(table.rows[1].values.values()) == {"marsh", None}
    assert [one.number for one in table.errors] == [4, 5, 6]
    said = [one.message for one in table.errors]
    assert "草本沼泽" in said[0] and "不是数字" in said[1] and "同时填写" in said[2]


@pytest.mark.parametrize("head", [HEAD + ",备注", "地块编号,年份,矿质土", HEAD + ",年份"])
def test_a_heading_that_is_unknown_missing_or_twice_refuses_the_file(head: str) -> None:
    with pytest.raises(TableRefused) as refusal:
        activity_table.parse("residue_burning", "x.csv", burning("A,2023,是,6,1", head=head))
    assert refusal.value.code == "record_table_columns"
    with pytest.raises(Invalid):
        activity_table.parse("rain", "x.csv", b"a\n")


def test_the_empty_table_of_every_kind_has_columns_that_are_read() -> None:
    for kind in activity.KINDS:
        head = activity_table.template(kind)
        with pytest.raises(TableRefused, match="没有数据行"):
            activity_table.parse(kind, "x.csv", head)
        fields = activity.KINDS[kind].model_fields
        assert set(fields) <= set(activity_words.FIELDS) and kind in activity_words.KINDS


def test_a_workbook_of_rice_seasons_with_dates_and_words_is_stored(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 200, 200), sink_type="farmland")
    code = codes_of(session, [parcel_id])[parcel_id]
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    template = activity_table.template("paddy_season").decode("utf-8-sig")
    sheet.append(next(csv.reader([template])))
    sheet.append([code, 2024, "是", 8.2, "单季稻", "单次晒田", "季前不淹水，多于 180 天", "2024-06-10",
                  "2024.9.30", 6, "是", 6, 0, 0, 0, 0, 180])  # fmt: skip
    out = io.BytesIO()
    book.save(out)
    table = activity_table.parse("paddy_season", "稻季.xlsx", out.getvalue())
    [row] = activity_table.commit(session, people["officer"], table)
    assert row.values is not None and row.values["water_regime"] == "single_drainage"
    assert row.values["harvest_date"] == "2024-09-30" and row.slot == "single"
    assert "单次晒田" in activity_words.values_words(row.kind, row.values)


def test_one_row_that_cannot_be_stored_stops_the_whole_table(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 200, 200), sink_type="farmland")
    code = codes_of(session, [parcel_id])[parcel_id]
    table = parsed(f"{code},2023,是,6,1", "330523-NT-999999,2023,是,6,1", f"{code},2023,是,6,2")
    with pytest.raises(activity_table.RowsRefused) as refusal:
        activity_table.commit(session, people["officer"], table)
    assert [one.number for one in refusal.value.errors] == [3, 4]
    assert activity_records.listing(session, [parcel_id]) == []
    [row] = activity_table.commit(session, people["officer"], parsed(f"{code},2023,是,6,1"))
    [mended] = activity_table.commit(
        session, people["officer"], parsed(f"{code},2023,是,6,2"), correcting=True
    )
    assert mended.supersedes_id == row.id
