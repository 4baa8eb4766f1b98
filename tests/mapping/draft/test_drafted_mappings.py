"""What a draft proposes for small tables, and what it leaves to people."""

from __future__ import annotations

PEOPLE = "CLNT_NO,LNAME,FIRST_NM,DOB,SEX_CD,MOM_ID,DELETED_FL,ROW_GUID\n" + "".join(
    f"C{n:03d},Qponm{n},Ann,0{n % 9 + 1}/2{n % 8}/199{n % 10},{'FM'[n % 2]},{f'C{n - 1:03d}' if n % 3 == 0 and n else ''},"
    f"{'Y' if n == 7 else 'N'},{{guid-{n}}}\n"
    for n in range(40)
)
STAYS = "STAY_ID,CLNT_NO,HOUSEHOLD_NO,ENTRY_DT,EXIT_DT\n" + "".join(
    f"S{n},C{n % 40:03d},H{n % 30:02d},2020-01-{n % 28 + 1:02d},\n" for n in range(60)
)


def mapping_of(draft, entity):
    (found,) = (each for each in draft.mappings if each.entity == entity)
    return found


def field_of(draft, entity, name):
    return next(each for each in mapping_of(draft, entity).fields if each.name == name)


def test_a_table_of_clients_becomes_people(drafted):
    made = drafted(CLIENTS=PEOPLE)
    people = mapping_of(made, "person")
    assert (people.name, people.table, people.key) == ("people", "old.CLIENTS", ("CLNT_NO",))
    columns = {each.name: each.columns for each in people.fields}
    assert columns["last_name"] == ("LNAME",)
    assert columns["first_name"] == ("FIRST_NM",)
    assert columns["gender"] == ("SEX_CD",)
    assert columns["custom_fields.legacyNumber"] == ("CLNT_NO",)


def test_dates_are_read_in_the_form_that_they_have(drafted):
    value = field_of(drafted(CLIENTS=PEOPLE), "person", "date_of_birth").value
    assert value == {"from": "DOB", "do": [{"date": {"in": ["%m/%d/%Y"]}}]}


def test_rows_marked_deleted_are_left_out_and_said_so(drafted):
    people = mapping_of(drafted(CLIENTS=PEOPLE), "person")
    assert people.where == "DELETED_FL <> 'Y'"
    assert any("DELETED_FL" in note for note in people.notes)


def test_a_code_is_never_decided_by_its_looks(drafted):
    (walk,) = drafted(CLIENTS=PEOPLE).crosswalks
    assert [(each.code, each.target, each.rows, each.note) for each in walk.codes] == [
        ("F", "", 20, "OPEN: Female?"),
        ("M", "", 20, "OPEN: Male?"),
    ]


def test_a_code_that_is_the_label_itself_is_filled_in(drafted):
    (walk,) = drafted(CLIENTS=PEOPLE.replace(",F,", ",female,")).crosswalks
    assert [(each.code, each.target) for each in walk.codes] == [("M", ""), ("female", "Female")]


def test_a_reference_is_measured_and_not_read_out_of_a_name(drafted):
    alone = drafted(STAYS=STAYS)
    assert {each.entity for each in alone.mappings} == {"case"}
    both = drafted(STAYS=STAYS, CLIENTS=PEOPLE)
    assert field_of(both, "involvement", "person").value == {"ref": "person", "key": "CLNT_NO"}
    assert "40 of 40 values" in field_of(both, "involvement", "person").why


def test_a_key_that_only_groups_rows_makes_the_thing_that_no_table_holds(drafted):
    made = drafted(STAYS=STAYS, CLIENTS=PEOPLE)
    assert mapping_of(made, "case").group == ("HOUSEHOLD_NO",)
    assert field_of(made, "involvement", "case").value == {"ref": "case", "key": "HOUSEHOLD_NO"}


def test_what_casebook_requires_and_no_column_gives_is_an_open_decision(drafted):
    made = drafted(STAYS=STAYS, CLIENTS=PEOPLE)
    assert field_of(made, "case", "case_type").decide
    (walk,) = (each for each in made.crosswalks if each.name == "cases_case_type")
    assert [(each.code, each.target) for each in walk.codes] == [("*", "")]


def test_a_persons_name_is_never_made_up(drafted):
    nameless = drafted(CLIENTS=PEOPLE.replace("LNAME", "ZZ", 1))
    assert field_of(nameless, "person", "last_name").value == {"empty": True}
    assert field_of(nameless, "person", "last_name").decide


def test_every_column_is_read_or_left_out_with_a_reason(drafted, certify):
    made = drafted(STAYS=STAYS, CLIENTS=PEOPLE)
    for table in certify(STAYS=STAYS, CLIENTS=PEOPLE).tables:
        read = {column for each in made.mappings for name, column in each.columns if name == table.name}
        left = made.ignore.get(table.name, {})
        assert read | set(left) == {each.name for each in table.columns}
        assert read & set(left) == set()
    assert made.ignore["old.CLIENTS"]["ROW_GUID"] == "decide: seems technical by its name"


def test_a_table_that_says_nothing_is_left_out_as_a_whole(drafted):
    made = drafted(CLIENTS=PEOPLE, ZZTOP="A,B\n1,2\n3,4\n")
    assert made.ignore["old.ZZTOP"].startswith("decide: neither its name nor its columns")


def test_columns_of_yes_and_no_become_a_list_and_what_fits_two_options_is_asked(drafted):
    race = PEOPLE.replace("ROW_GUID", "RACE_WHITE,RACE_ASIAN,RACE_I,ROW_GUID", 1).replace(",{guid", ",1,0,0,{guid")
    field = field_of(drafted(CLIENTS=race), "person", "races")
    assert field.value == {
        "many": [{"when": "RACE_WHITE = '1'", "const": "White"}, {"when": "RACE_ASIAN = '1'", "const": "Asian"}]
    }
    assert "RACE_I" in field.decide


def test_an_owner_that_may_be_of_several_kinds_is_chosen_by_its_code(drafted):
    cases = "CASE_NO,CASE_NM\n" + "".join(f"K{n:03d},Family {n}\n" for n in range(30))
    calls = "REFERRAL_NO,RCVD_DT,NARRATIVE\n" + "".join(f"R{n:03d},2020-01-0{n % 9 + 1},text {n}\n" for n in range(30))
    notes = "NOTE_ID,OWNER_TYPE,OWNER_ID,SUBJECT,BODY\n" + "".join(
        f"N{n},{'CI'[n % 2]},{'KR'[n % 2]}{n:03d},On {n},Wrote {n}\n" for n in range(30)
    )
    made = drafted(CASES=cases, REFERRALS=calls, NOTES=notes)
    target = field_of(made, "note", "target").value
    assert target == {"ref": {"C": "case", "I": "intake_report"}, "by": "OWNER_TYPE", "key": "OWNER_ID"}


def test_users_are_never_made_by_a_migration(drafted):
    users = "USER_ID,USER_EMAIL\n" + "".join(f"U{n},w{n}@agency.example\n" for n in range(5))
    made = drafted(USERS=users)
    assert made.mappings == ()
    assert "Admin" in made.ignore["old.USERS"]


def test_a_table_that_hangs_on_another_is_no_parent_by_the_columns_it_repeats(drafted):
    sites = "SITE_NO,STAY_ID,HOUSEHOLD_NO\n" + "".join(f"X{n},S{n},H{n:02d}\n" for n in range(30))
    made = drafted(CLIENTS=PEOPLE, STAYS=STAYS, STAY_SITES=sites)
    assert mapping_of(made, "case").group == ("HOUSEHOLD_NO",)
