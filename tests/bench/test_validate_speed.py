"""`validate` as a whole cold command against hand-written DuckDB SQL that does the same job, hashing included."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest
from conftest import PROJECT, measure

ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
GOAL = 1.5

MAPPING = """
mapping: people
target: person
source: legacy.PERSONS
key: ID
fields:
  first_name: {from: FIRST_NM, do: [trim, squeeze, title_name]}
  middle_name: {from: MIDDLE_NM, do: [trim, upper]}
  last_name: {from: LAST_NM, do: [trim, title_name]}
  suffix: SUFFIX
  date_of_birth: {from: DOB, do: [{null_if: ["01/01/1900"]}, {date: {in: ["%m/%d/%Y"]}}]}
  date_of_death: {from: DOD, do: [{date: {in: ["%Y%m%d"]}}], on_error: empty}
  ssn: {from: SSN, do: [digits, {length: 9}], on_error: empty}
  gender: {from: SEX, crosswalk: gender}
  marital_status: {from: MAR, crosswalk: marital}
  hispanic_or_latino: {const: unknown}
  military_status: {from: MIL, do: [lower]}
  mother: {ref: person, key: MOTHER_ID, on_missing: empty}
"""
PEER = """
import duckdb, hashlib, sys
source, target = sys.argv[1:3]
with open(source, "rb") as stream:
    hashlib.file_digest(stream, "sha256")
db = duckdb.connect()
db.execute("create table s as select row_number() over () as _row, * from read_csv(?, all_varchar=true)", [source])
db.execute('''create table gender as select * from (values ('1','Female'),('2','Male'),('3','Unknown')) t(code, label)''')
db.execute('''create table marital as select * from (values ('S','Single'),('M','Married'),('D','Divorced')) t(code, label)''')
db.execute('''create table r as select _row, sha256(ID) as rk,
  array_to_string(list_transform(string_split(lower(regexp_replace(trim(FIRST_NM),'\\\\s+',' ','g')),' '),
    lambda x: upper(x[1]) || x[2:]),' ') as first_name,
  upper(trim(MIDDLE_NM)) as middle_name, upper(trim(LAST_NM)[1]) || lower(trim(LAST_NM)[2:]) as last_name, SUFFIX,
  try_strptime(nullif(DOB,'01/01/1900'),'%m/%d/%Y')::date as dob, try_strptime(DOD,'%Y%m%d')::date as dod,
  case when length(regexp_replace(SSN,'[^0-9]','','g')) = 9 then regexp_replace(SSN,'[^0-9]','','g') end as ssn,
  g.label as gender, m.label as marital, 'unknown' as hispanic, lower(MIL) as military,
  case when MOTHER_ID <> '' then sha256(MOTHER_ID) end as mother, SEX, MAR, DOB
  from s left join gender g on g.code = SEX left join marital m on m.code = MAR''')
db.execute('''create table bad as
  select _row, 'duplicate_key' as code from r where rk in (select rk from r group by rk having count(*) > 1)
  union all select _row, 'unmapped' from r where SEX <> '' and gender is null
  union all select _row, 'unmapped' from r where MAR <> '' and marital is null
  union all select _row, 'invalid' from r where dob is null and DOB not in ('', '01/01/1900')
  union all select _row, 'required' from r where last_name is null or last_name = '' or first_name = ''
  union all select _row, 'missing' from r where mother is not null and mother not in (select rk from r)''')
db.execute(f"copy s to '{target}/snapshot.parquet' (format parquet, compression zstd)")
db.execute(f"copy (select * from r where _row not in (select _row from bad)) to '{target}/valid.parquet' (compression zstd)")
db.execute(f"copy bad to '{target}/bad.parquet' (compression zstd)")
"""
FIRST = ("Ana", "luis", " Mei ", "Jean  Luc", "OMAR", "Zoe")
LAST = ("Rivera", "garcia", "O'Neil", "McDonald", "Nguyen", "SMITH")


def write_source(path: Path, rows: int) -> None:
    chance = random.Random(7)  # noqa: S311 - no secret
    with path.open("w", encoding="utf-8") as stream:
        stream.write("ID,FIRST_NM,MIDDLE_NM,LAST_NM,SUFFIX,DOB,DOD,SSN,SEX,MAR,MIL,MOTHER_ID\n")
        for number in range(rows):
            born = f"{chance.randint(1, 12):02}/{chance.randint(1, 28):02}/{chance.randint(1940, 2015)}"
            mother = chance.randrange(number) if number and chance.random() < 0.3 else ""
            sex = chance.choice("12399") if chance.random() < 0.02 else chance.choice("12")
            cells = (
                number,
                chance.choice(FIRST),
                "j",
                chance.choice(LAST),
                "",
                born,
                "",
                f"{chance.randrange(10**9):09}",
            )
            stream.write(",".join(map(str, (*cells, sex, chance.choice("SMD"), "None", mother))) + "\n")


@pytest.mark.bench
def test_validate_keeps_up_with_hand_written_sql(tmp_path, tell, etl_command):
    project = tmp_path / "mappings" / "bench"
    (project / "crosswalks").mkdir(parents=True)
    (project / "project.yaml").write_text(PROJECT.format(port=8089, concurrency=8))
    (project / "people.yaml").write_text(MAPPING)
    (project / "crosswalks" / "gender.csv").write_text("SEX,target\n1,Female\n2,Male\n3,Unknown\n")
    (project / "crosswalks" / "marital.csv").write_text("MAR,target\nS,Single\nM,Married\nD,Divorced\n")
    write_source(project / "PERSONS.csv", ROWS)
    ratios = []
    for _ in range(3):
        peer = measure(sys.executable, "-c", PEER, str(project / "PERSONS.csv"), str(tmp_path))
        ours = measure(etl_command, "validate", str(project), "--quiet", "--json")
        ratios.append(ours.wall_s / peer.wall_s)
        tell(bench="validate", rows=ROWS, ours_s=round(ours.wall_s, 2), peer_s=round(peer.wall_s, 2),
             ratio=round(ratios[-1], 2), peak_mib=round(ours.peak_mib), goal=GOAL)  # fmt: skip
    assert sorted(ratios)[1] <= GOAL
