"""project.yaml: sources and profiles with absolute places, variables, refused secrets, and where runs live."""

from __future__ import annotations

import pytest

from etl.core.errors import MappingError
from etl.mapping.project import load_project

HEAD = "project: small\ntimezone: America/New_York\n"
TENANT = 'tenant: sandbox, base_url: "http://localhost:1", token_url: "http://localhost:1/t"'
ADDRESSES = 'base_url: "http://127.0.0.1:8089", token_url: "http://127.0.0.1:8089/oauth2/token"'


def with_source(source: str) -> dict[str, str]:
    return {"project.yaml": f"{HEAD}sources: {{legacy: {source}}}\nprofiles: {{sandbox: {{{TENANT}}}}}\n"}


def with_profiles(profiles: str) -> dict[str, str]:
    return {"project.yaml": f"{HEAD}sources: {{legacy: {{csv: x/*.csv}}}}\nprofiles:\n  {profiles}\n"}


def test_a_csv_source_is_a_glob_from_the_project_folder(desk):
    source = desk.load(with_source('{csv: "../../data/*.csv", encoding: cp1252, delimiter: "|"}')).sources["legacy"]
    assert source.location == str(desk.folder.parent.parent / "data" / "*.csv")
    assert (source.kind, source.options) == ("csv", {"encoding": "cp1252", "delimiter": "|"})
    assert (source.position.line, source.position.column) == (3, 11)


def test_a_project_folder_with_wildcards_in_its_name_is_taken_literally(desk, tmp_path):
    desk.folder = tmp_path / "a[b]c"
    assert desk.load().sources["legacy"].location == str(tmp_path / "a[[]b]c" / "data" / "*.csv")


@pytest.mark.parametrize("scheme", ["sqlite", "sqlite+pysqlite"])
def test_a_relative_sqlite_path_starts_at_the_project(desk, scheme):
    source = desk.load(with_source(f'{{sql: "{scheme}:///../legacy.db?mode=ro"}}')).sources["legacy"]
    assert source.location == f"{scheme}:///{desk.folder.parent}/legacy.db?mode=ro"


@pytest.mark.parametrize("url", ["sqlite:////data/legacy.db", "postgresql+psycopg://reader@db/legacy"])
def test_other_database_addresses_stay_as_they_are(desk, url):
    assert desk.load(with_source(f'{{sql: "{url}"}}')).sources["legacy"].location == url


def test_named_queries_and_tables_are_options_of_a_database(desk):
    source = desk.load(with_source('{sql: "sqlite:///a.db", tables: [PERSONS], queries: {open: "SELECT 1"}}')).sources[
        "legacy"
    ]
    assert source.options == {"tables": ("PERSONS",), "queries": {"open": "SELECT 1"}}


def test_variables_are_filled_in_from_the_environment(desk):
    url = '{sql: "postgresql://${DB_USER}:${DB_PASSWORD}@${DB_HOST:-localhost}/legacy"}'
    source = desk.load(with_source(url), environ={"DB_USER": "reader", "DB_PASSWORD": "s3cret"}).sources["legacy"]
    assert source.location == "postgresql://reader:s3cret@localhost/legacy"


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        ('{csv: ¦"${EXPORT}/*.csv"}', "missing_variable", "EXPORT is not set"),
        ('{csv: ¦"${EXPORT"}', "wrong_variable", "starts no variable"),
        ('{sql: ¦"postgresql://reader:hunter2@db/legacy"}', "secret_in_yaml", "${NAME}"),
        ('{sql: ¦"postgresql://reader:${PW:-hunter2}@db/legacy"}', "secret_in_yaml", "${NAME}"),
        ('{sql: ¦"mssql://db/legacy?password=hunter2"}', "secret_in_yaml", "${NAME}"),
        ("{csv: ¦Tr0ub4dorAndThreeMoreWordsToMakeItLong}", "secret_in_yaml", "${NAME}"),
        ("{csv: x, ¦encodng: cp1252}", "unknown_key", "Did you mean `encoding`?"),
        ('{csv: x, delimiter: ¦";;"}', "wrong_form", ""),
    ],
)
def test_a_wrong_source_is_told_where_it_stands(desk, source, code, said):
    found = desk.only_mistake(with_source(source))
    assert found.code == code
    assert said in f"{found.message} {found.hint}"
    assert "hunter2" not in str(found)
    assert "Tr0ub4dor" not in str(found)


@pytest.mark.parametrize("source", ["{}", "{csv: a, sql: b}", "x.csv"])
def test_a_source_is_of_exactly_one_kind(desk, source):
    desk.write(with_source(source))
    desk.marks.append("project.yaml:3:11")
    assert desk.only_mistake(with_source(source)).hint.startswith("Write one of `csv:`, `sql:`, `files:`, ")


def test_a_broken_source_makes_no_mapping_look_wrong(desk):
    assert desk.only_mistake(with_source('{csv: ¦"${NOWHERE}"}')).code == "missing_variable"


@pytest.mark.parametrize(
    "secret",
    [
        "-----BEGIN RSA PRIVATE KEY-----",
        "Bearer abcdefghijklmnopqrstuvwxyz",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.x",
        "AKIAIOSFODNN7EXAMPLE",
    ],
)
def test_a_secret_in_a_mapping_is_refused_without_being_repeated(desk, secret):
    found = desk.only_mistake({"people.yaml": desk.people(f'middle_name: {{const: ¦"{secret}"}}')})
    assert found.code == "secret_in_yaml"
    assert secret not in str(found)


def test_a_profile_names_its_credentials_by_itself(desk):
    profile = desk.load(with_profiles(f"our-agency: {{{TENANT}}}")).profiles["our-agency"]
    assert profile.client_id_env == "CASEBOOK_OUR_AGENCY_CLIENT_ID"
    assert profile.client_secret_env == "CASEBOOK_OUR_AGENCY_CLIENT_SECRET"


def test_a_protected_profile_waits_at_least_thirty_seconds(desk):
    protected = desk.load(with_profiles(f"live: {{{TENANT}, protect: true, quiet_s: 2}}")).profiles["live"]
    assert (protected.protect, protected.quiet_s) == (True, 30.0)


def test_a_rehearsal_may_be_impatient(desk):
    assert desk.load(with_profiles(f"trial: {{{TENANT}, quiet_s: 0.2}}")).profiles["trial"].quiet_s == 0.2


@pytest.mark.parametrize(
    ("profile", "code"),
    [
        (f"trial: {{{TENANT}, quiet_s: ¦0.1}}", "wrong_form"),
        (f"trial: {{{TENANT}, ¦application: Loader}}", "not_available"),
        (f"trial: {{{TENANT}, ¦protekt: true}}", "unknown_key"),
        (f"trial: {{{TENANT}, concurrency: ¦0}}", "wrong_form"),
        (f'trial: {{{TENANT}, page_size: ¦"50"}}', "wrong_form"),
        (
            'trial: {tenant: sandbox, base_url: ¦"http://api.casebook.net", token_url: "https://a.net/t"}',
            "wrong_address",
        ),
        ('trial: {tenant: sandbox, base_url: "https://a.net", token_url: ¦"ftp://a.net"}', "wrong_address"),
        ('trial: {tenant: sandbox, base_url: "https://a.net", token_url: ¦"https://a.net:port/"}', "wrong_address"),
        ('trial: {tenant: sandbox, base_url: "https://a.net", token_url: ¦"https://me@a.net/"}', "wrong_address"),
        ('trial: ¦{tenant: sandbox, base_url: "https://a.net"}', "missing_key"),
        (f"trial: {{{ADDRESSES}, tenant: ¦sandbx}}", "settings"),
        (f'trial: {{{TENANT}, state: ¦"sqlite:///team.db"}}', "wrong_address"),
        (f'trial: {{{TENANT}, state: ¦"postgresql://db.example"}}', "wrong_address"),
        (f'trial: {{{TENANT}, state: ¦"postgresql://clerk:hunter22@db.example/team"}}', "secret_in_yaml"),
        (f'trial: {{{TENANT}, state: ¦"postgresql://db.example/team?password=hunter22"}}', "secret_in_yaml"),
    ],
)
def test_a_wrong_profile_is_told_where_it_stands(desk, profile, code):
    assert desk.only_mistake(with_profiles(profile)).code == code


def test_a_state_on_a_server_is_an_address_and_a_file_where_none_is_given(desk):
    url = "postgresql+psycopg://clerk@db.example:5433/team?sslmode=verify-full"
    assert desk.load(with_profiles(f'trial: {{{TENANT}, state: "{url}"}}')).profiles["trial"].state == url
    assert desk.load(with_profiles(f"trial: {{{TENANT}}}")).profiles["trial"].state is None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_plain_http_is_for_this_machine_only(desk, host):
    profile = f'trial: {{tenant: sandbox, base_url: "http://{host}:80", token_url: "http://{host}/t"}}'
    assert desk.load(with_profiles(profile)).profiles["trial"].base_url == f"http://{host}:80"


LIVE = f'trial: {{{TENANT}}}\n  live: {{base_url: "https://a.net", token_url: ¦"${{TOKEN_URL}}", tenant: sandbox}}'


def test_the_first_profile_is_the_default_and_others_need_no_variables(desk):
    assert list(desk.load(with_profiles(LIVE)).profiles) == ["trial"]


def test_the_chosen_profile_needs_its_variables(desk):
    assert (
        desk.only_mistake(with_profiles(LIVE), profile="live").message
        == "The environment variable TOKEN_URL is not set."
    )


def test_an_unknown_profile_is_told_with_the_known_ones(desk):
    found = desk.mistakes(with_profiles(LIVE), profile="liv")
    assert [(each.code, each.hint) for each in found] == [("unknown_profile", "Did you mean `live`?")]


def test_a_project_may_bring_its_own_tenant_overlay(desk):
    profile = f"trial: {{{ADDRESSES}, tenant: ./ours.yaml}}"
    overlay = "entities:\n  person:\n    attributes:\n      ¦nonsense: 7\n"
    found = desk.mistakes({**with_profiles(profile), "ours.yaml": overlay})
    assert {each.file.rpartition("/")[2] for each in found} == {"ours.yaml"}


def test_a_tenant_file_that_is_not_there_is_told_at_the_profile(desk):
    assert desk.only_mistake(with_profiles(f"trial: {{{ADDRESSES}, tenant: ¦tenants/ours.yaml}}")).code == "settings"


def test_runs_live_beside_the_folder_that_holds_the_projects(desk):
    assert desk.load().runs_folder == desk.folder.parent.parent / "runs"


def test_runs_of_a_lonely_project_live_beside_it(desk, tmp_path):
    desk.folder = tmp_path / "elsewhere" / "small"
    assert desk.load().runs_folder == tmp_path / "elsewhere" / "runs"


def test_a_project_may_say_where_its_runs_live(desk):
    assert (
        desk.load({"project.yaml": desk.project("runs: ../../kept")}).runs_folder == desk.folder.parent.parent / "kept"
    )


def test_the_working_directory_decides_nothing(desk, monkeypatch, tmp_path):
    here = desk.load()
    monkeypatch.chdir(tmp_path)
    assert (desk.load().runs_folder, desk.load().sources) == (here.runs_folder, here.sources)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("timezone: ¦America/New_Yrk", "unknown_timezone"),
        ('timezone: ¦"${ZONE}"', "missing_variable"),
        ("timezone: UTC\n¦sync: {}", "not_available"),
        ("timezone: UTC\n¦defalts: {}", "unknown_key"),
        ("timezone: UTC\ndefaults: {on_error: ¦ask}", "wrong_form"),
        ("timezone: UTC\ndefaults: {¦on_eror: empty}", "unknown_key"),
        ("timezone: UTC\nignore: {¦legcy.LOG: technical}", "unknown_source"),
        ("timezone: UTC\nignore: {¦LOG: technical}", "unknown_source"),
        ('timezone: UTC\nignore: {legacy.LOG: ¦""}', "reason_missing"),
        ("timezone: UTC\nignore: {legacy.LOG: {ID: ¦}}", "reason_missing"),
    ],
)
def test_a_wrong_project_is_told_where_it_stands(desk, text, code):
    rest = f"sources: {{legacy: {{csv: x}}}}\nprofiles: {{sandbox: {{{TENANT}}}}}\n"
    assert desk.only_mistake({"project.yaml": f"project: small\n{text}\n{rest}"}).code == code


def test_a_folder_without_a_project_is_told(desk):
    desk.folder.mkdir(parents=True)
    with pytest.raises(MappingError, match=r"holds no project\.yaml"):
        load_project(desk.folder, environ={})


def test_a_project_without_mappings_is_told(desk):
    desk.write({"project.yaml": desk.project()})
    with pytest.raises(MappingError, match="holds no mapping"):
        load_project(desk.folder, environ={})


def test_a_document_in_another_encoding_is_told(desk):
    desk.folder.mkdir(parents=True)
    (desk.folder / "names.yaml").write_bytes("mapping: Zoë\n".encode("cp1252"))
    desk.marks.append("names.yaml:1:1")
    assert desk.only_mistake().message == "The file is not UTF-8 (byte 11)."
