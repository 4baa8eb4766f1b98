"""From nothing to a validated dry run, as a new user types it."""

from __future__ import annotations

import json
import stat
import zipfile

import pytest
from typer.testing import CliRunner

from etl.cli import app

CLIENTS = "CLNT_NO,LNAME,FNAME,DOB,SEX_CD,SHOE\n" + "".join(
    f"C{n:02d},Qponm,Ann,01/{n % 27 + 1:02d}/1990,{'FM'[n % 2]},{n % 9}\n" for n in range(30)
)
ADDRESSES = "ADDR_ID,CLNT_NO,STREET,CITY,ST,ZIP\n" + "".join(
    f"A{n},C{n:02d},{n} Elm Court,Ashland,OH,43215\n" for n in range(30)
)


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments):
        return CliRunner().invoke(app, [*map(str, arguments)])

    return invoke


@pytest.fixture
def export(tmp_path):
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "CLIENTS.csv").write_text(CLIENTS)
    (tmp_path / "export" / "ADDRESSES.csv").write_text(ADDRESSES)
    return tmp_path / "export"


def test_a_new_project_has_its_files_and_lints(run, tmp_path):
    result = run("init", "p/our-agency")
    assert result.exit_code == 0, result.output
    made = {str(each.relative_to(tmp_path / "p/our-agency")) for each in (tmp_path / "p/our-agency").rglob("*")}
    assert made == {".gitignore", "README.md", "crosswalks", "crosswalks/.gitkeep", "data", "project.yaml"}
    checked = run("lint", "p/our-agency", "--json")
    assert checked.exit_code == 0, checked.output
    assert [each["code"] for each in json.loads(checked.stdout)["findings"]] == ["no-mapping"]


def test_a_folder_that_holds_something_is_never_touched(run, tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "mine.txt").write_text("mine")
    result = run("init", "p")
    assert result.exit_code == 2
    assert "not empty" in result.stderr
    assert [each.name for each in (tmp_path / "p").iterdir()] == ["mine.txt"]


def test_people_s_data_and_keys_stay_out_of_version_control(run, tmp_path):
    run("init", "p")
    ignored = (tmp_path / "p" / ".gitignore").read_text().splitlines()
    assert {"/data/", "/runs/", "*.key", "*.draft"} <= set(ignored)


@pytest.mark.parametrize(
    ("place", "declared"),
    [
        ("export", 'legacy: {csv: "../export/*.csv"}'),
        ("export/*.csv", 'legacy: {csv: "../export/*.csv"}'),
        ("old=dump.sql", 'old: {dump: "../dump.sql"}'),
        ("book.xlsx", 'legacy: {excel: "../book.xlsx"}'),
        ("old.db", 'legacy: {sql: "sqlite:///../old.db"}'),
        ("db=postgresql://reader@host/old", 'db: {sql: "postgresql://reader@host/old"}'),
        ("db=postgresql://reader:${PW}@host/old", 'db: {sql: "postgresql://reader:${PW}@host/old"}'),
    ],
)
def test_a_source_is_declared_by_what_it_is(run, export, tmp_path, place, declared):
    result = run("init", "p", "--source", place)
    assert result.exit_code == 0, result.output
    assert f"  {declared}\n" in (tmp_path / "p" / "project.yaml").read_text()


def test_a_file_inside_of_a_zip_that_is_not_read_there_is_left_to_decide(run, tmp_path):
    with zipfile.ZipFile(tmp_path / "drop.zip", "w") as archive:
        for name in ("x/ONE.csv", "x/old.mdb", "__MACOSX/x/._ONE.CSV"):
            archive.writestr(name, "A,B\n1,2\n")
    run("init", "p", "--source", "drop.zip")
    lines = (tmp_path / "p" / "project.yaml").read_text().splitlines()
    at = lines.index('  legacy: {zip: "../drop.zip", csv: "*.csv"}')
    assert lines[at + 1] == "  # decide: old.mdb inside drop.zip is not read there. Unpack it, and give what is inside."
    assert not any("CSV" in line for line in lines[at:])


def test_two_sources_get_names_of_their_own(run, export, tmp_path):
    run("init", "p", "--source", "export", "--source", "more/*.csv")
    text = (tmp_path / "p" / "project.yaml").read_text()
    assert "  legacy: {" in text
    assert "  legacy2: {" in text


def test_a_password_never_gets_into_project_yaml_nor_into_a_message(run, tmp_path):
    result = run("init", "p", "--source", "postgresql://reader:zyxwvut@host/old")
    assert result.exit_code == 2
    assert "zyxwvut" not in result.output
    assert not (tmp_path / "p").exists()


def test_an_unknown_time_zone_is_told_before_anything_is_made(run, tmp_path):
    result = run("init", "p", "--timezone", "America/NewYork")
    assert result.exit_code == 2
    assert "America/New_York" in result.stderr
    assert not (tmp_path / "p").exists()


def test_from_nothing_to_a_validated_dry_run(run, export, tmp_path):
    assert run("init", "p", "--source", "export").exit_code == 0
    assert run("inspect", "p", "--progress", "none").exit_code in (0, 1)
    drafted = run("scaffold", "p", "--json", "--progress", "none")
    assert drafted.exit_code == 0, drafted.output
    content = json.loads(drafted.stdout)
    assert {each["target"] for each in content["mappings"]} == {"person", "person_address"}
    assert content["beside"] == []
    checked = run("lint", "p", "--json")
    assert checked.exit_code == 0, checked.output
    assert [each["code"] for each in json.loads(checked.stdout)["findings"]] == ["undecided-draft"]
    assert run("test", "p").exit_code == 0
    dry = run("validate", "p", "--progress", "none", "--json")
    assert dry.exit_code == 1, dry.output  # codes are still to be decided
    summary = json.loads(dry.stdout)
    assert summary["ledger"]["balanced"]


def test_once_the_codes_are_decided_every_row_can_go(run, export, tmp_path):
    run("init", "p", "--source", "export")
    run("scaffold", "p", "--progress", "none")
    walk = tmp_path / "p" / "crosswalks" / "gender.csv"
    walk.write_text(walk.read_text().replace("F,,", "F,Female,").replace("M,,", "M,Male,"))
    dry = run("validate", "p", "--progress", "none")
    assert dry.exit_code == 0, dry.output


def test_no_value_of_a_person_stands_in_a_draft_or_an_answer(run, export, tmp_path):
    run("init", "p", "--source", "export")
    result = run("scaffold", "p", "--json", "--progress", "none")
    texts = [path.read_text() for path in (tmp_path / "p").rglob("*") if path.is_file()]
    for text in (*texts, result.stdout, result.stderr):
        assert "Qponm" not in text
        assert "Elm Court" not in text


def test_what_people_wrote_stays_and_the_draft_lies_beside_it(run, export, tmp_path):
    run("init", "p", "--source", "export")
    run("scaffold", "p", "--progress", "none")
    mine = tmp_path / "p" / "people.yaml"
    mine.write_text(mine.read_text() + "# mine\n")
    before = {path: path.read_bytes() for path in (tmp_path / "p").rglob("*") if path.is_file()}
    again = run("scaffold", "p", "--progress", "none")
    assert again.exit_code == 0, again.output
    assert {path: path.read_bytes() for path in before} == before
    assert {path.name for path in (tmp_path / "p").rglob("*.draft")} == {
        "people.yaml.draft",
        "person_addresses.yaml.draft",
        "gender.csv.draft",
        "project.yaml.draft",
    }
    assert run("lint", "p").exit_code == 0
    run("scaffold", "p", "--force", "--progress", "none")
    assert "# mine" not in mine.read_text()
    assert (tmp_path / "p" / "project.yaml").read_bytes() == before[tmp_path / "p" / "project.yaml"]


def test_a_table_that_comes_later_is_added_to_what_people_left_out(run, export, tmp_path):
    run("init", "p", "--source", "export")
    run("scaffold", "p", "--progress", "none")
    project = tmp_path / "p" / "project.yaml"
    project.write_text(
        project.read_text().replace("decide: no field was found for it", "not case data") + "runs: ../runs\n"
    )
    (export / "SHOES.csv").write_text("SHOE_ID,A\n1,x\n2,y\n")
    run("scaffold", "p", "--progress", "none")
    text = project.read_text()
    assert "not case data" in text
    assert "  legacy.SHOES: " in text
    assert text.endswith("runs: ../runs\n")
    assert run("lint", "p").exit_code == 0


def test_an_ignore_of_another_form_is_left_alone(run, export, tmp_path):
    run("init", "p", "--source", "export")
    project = tmp_path / "p" / "project.yaml"
    project.write_text(project.read_text() + "ignore: {legacy.GONE: old}\n")
    before = project.read_bytes()
    run("scaffold", "p", "--progress", "none")
    assert project.read_bytes() == before
    assert "legacy.CLIENTS:" in (tmp_path / "p" / "project.yaml.draft").read_text()


def test_files_stay_private_where_the_folder_is(run, export, tmp_path):
    run("init", "p", "--source", "export")
    (tmp_path / "p" / "project.yaml").chmod(0o640)
    run("scaffold", "p", "--progress", "none")
    assert stat.S_IMODE((tmp_path / "p" / "project.yaml").stat().st_mode) == 0o640


def test_one_source_alone_is_drafted_on_request(run, export, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "NOTES.csv").write_text("NOTE_ID,A\n1,x\n2,y\n")
    run("init", "p", "--source", "export", "--source", "more")
    result = run("scaffold", "p", "--source", "legacy2", "--json", "--progress", "none")
    content = json.loads(result.stdout)
    assert content["mappings"] == []
    assert list(content["ignore"]) == ["legacy2.NOTES"]


def test_a_source_that_the_project_does_not_have_is_named_with_a_remedy(run, export):
    run("init", "p", "--source", "export")
    result = run("scaffold", "p", "--source", "legasy")
    assert result.exit_code == 2
    assert "Did you mean `legacy`?" in result.stderr


def test_a_table_that_cannot_be_read_is_told_and_the_others_are_drafted(run, export):
    (export / "BROKEN.csv").write_text("A,A\n1,2\n")
    run("init", "p", "--source", "export")
    result = run("scaffold", "p", "--progress", "none")
    assert result.exit_code == 1
    assert "could not be read: legacy.BROKEN" in result.stdout
    assert "people.yaml" in result.stdout


@pytest.mark.parametrize("command", ["init", "scaffold"])
def test_help_shows_an_example(run, command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"casebook-etl {command} " in result.stdout


def test_a_folder_of_many_kinds_becomes_a_source_for_each(run, tmp_path):
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "A.csv").write_text("ID,NM,\n1,x,\n")
    (drop / "B.sql").write_text("")
    (drop / "C.txt").write_text("0001\n")
    (drop / "C.cpy").write_text("01 R.\n")
    (drop / "D.txt").write_text("0001\n")
    with zipfile.ZipFile(drop / "E.zip", "w") as archive:
        archive.writestr("x/F.csv", "ID\n1\n")
    result = run("init", "p", "--source", "drop")
    assert result.exit_code == 0, result.output
    text = (tmp_path / "p" / "project.yaml").read_text()
    assert '{csv: "../drop/*.csv", nameless: number}' in text
    assert '{dump: "../drop/B.sql"}' in text
    assert '{fixed_width: "../drop/C.txt", layout: "../drop/C.cpy"}' in text
    assert "  # decide: The first line of D.txt holds no delimiter" in text
    assert '{zip: "../drop/E.zip", csv: "*.csv"}' in text


@pytest.mark.parametrize(("name", "said"), [("case.cpy", "copybook"), ("case.txt", "no delimiter")])
def test_a_file_that_cannot_be_declared_by_its_ending_is_refused(run, tmp_path, name, said):
    (tmp_path / name).write_text("01 R.\n")
    result = run("init", "p", "--source", name)
    assert result.exit_code == 2
    assert said in result.output
