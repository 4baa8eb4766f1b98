"""Mistakes in a tenant's overlay: all of them at once, each where it stands, each with a remedy."""

import pytest

from etl.catalog.loader import load_catalog
from etl.core.errors import MappingError


@pytest.fixture
def mistakes(tmp_path):
    def load(content):
        file = tmp_path / "agency.yaml"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(MappingError) as caught:
            load_catalog(file)
        assert all(each.file == str(file) for each in caught.value.mistakes)
        return [(each.line, each.column, each.message, each.hint) for each in caught.value.mistakes]

    return load


FORM = [
    ("version: 1\nentitties: {}\n", (2, 1, "Unknown key entitties.", "Did you mean `entities`?")),
    (
        "version: 1\nentities: {person: {attributez: {}}}\n",
        (2, 21, "Unknown key attributez.", "Did you mean `attributes`?"),
    ),
    (
        "version: 1\nentities: {person: {zzz: 1}}\n",
        (2, 21, "Unknown key zzz.", "Known here: service, type, type_certainty, "),
    ),
    (
        "version: 1\nentities: {person: {marker: {slot: ssn}}}\n",
        (2, 29, "The key ask is missing.", "Add it."),
    ),
    ("entities: {}\n", (1, 1, "The key version is missing.", "Add it.")),
    ("version: 2\n", (1, 10, "version: input should be 1.", "")),
    ("", (1, 1, "The document: input should be a valid dictionary.", "")),
    ("version: 1\nlookups: []\n", (2, 10, "lookups: input should be a valid dictionary.", "")),
    ("version: 1\ninvented: 1\n", (2, 11, "invented: input should be a valid boolean.", "")),
    (
        "version: 1\nentities: {person: {operations: [creat]}}\n",
        (2, 34, "operations: input should be 'create', 'list', 'get', 'update' or 'delete'.", "Did you mean `create`?"),
    ),
    (
        "version: 1\nentities: {person: {attributes: {ssn: {type: strinng}}}}\n",
        (2, 46, "type: input should be 'string', 'text'", "Did you mean `string`?"),
    ),
    (
        "version: 1\nentities: {person: {path: people}}\n",
        (2, 27, "path: string should match pattern", ""),
    ),
    (
        "version: 1\nlookups: {race: {options: [White, {labelx: Asian}]}}\n",
        (2, 36, "Unknown key labelx.", "Did you mean `label`?"),
    ),
]

NAMES = [
    (
        "version: 1\nentities: {persn: {path: /x}}\n",
        (2, 12, "The entity persn is unknown.", 'Did you mean `person`? To add a new entity, give its "service".'),
    ),
    (
        "version: 1\nentities: {person: {attributes: {frist_name: {required: true}}}}\n",
        (2, 34, "The attribute frist_name is unknown.", "Did you mean `first_name`? To add a new attribute,"),
    ),
    (
        "version: 1\nentities: {person: {links: {gendr: {required: true}}}}\n",
        (2, 29, "The link gendr is unknown.", 'Did you mean `gender`? To add a new link, give its "to".'),
    ),
    (
        "version: 1\nentities: {person: {custom_fields: {county: {required: true}}}}\n",
        (2, 37, "The custom field county is unknown.", 'To add a new custom field, give its "type".'),
    ),
    (
        "version: 1\nlookups: {gendre: {options: [Female]}}\n",
        (2, 11, "The lookup gendre is unknown.", 'Did you mean `gender`? To add a new lookup, give its "service".'),
    ),
    (
        "version: 1\nentities: {person: {required: {last_nam: true}}}\n",
        (2, 32, "person has no field last_nam.", "Did you mean `last_name`?"),
    ),
    (
        "version: 1\nentities: {person: {rename: {sn: social}}}\n",
        (2, 30, "person has no field sn.", "Did you mean `ssn`?"),
    ),
]

AGREEMENT = [
    (
        "version: 1\napi: {media_type: null}\n",
        (2, 19, "The API fact media_type is missing.", "Give it under api."),
    ),
    (
        "version: 1\nentities: {person: {links: {pet: {to: [persn]}}}}\n",
        (2, 40, "The entity or lookup persn is unknown.", "Did you mean `person`?"),
    ),
    (
        "version: 1\nentities: {person: {links: {pet: {to: [case, gender]}}}}\n",
        (2, 46, "gender is a lookup among several targets.", "Only links to records"),
    ),
    (
        "version: 1\nentities: {person: {links: {pet: {to: [case, note], carried_as: pet_id}}}}\n",
        (2, 34, "pet: an id alone does not tell which entity is meant.", 'Give "type_as"'),
    ),
    (
        "version: 1\nentities: {person: {links: {pet: {to: [case], value: nme}}}}\n",
        (2, 54, "case has no attribute nme.", "Add it to case."),
    ),
    (
        "version: 1\nentities: {provider: {required: {license: true}}}\n",
        (2, 22, "license cannot be required and set later.", "Remove"),
    ),
    (
        "version: 1\nentities: {person: {links: {ssn: {to: [case]}}}}\n",
        (2, 34, "ssn is a link and an attribute.", "Keep one of them."),
    ),
    (
        "version: 1\nentities: {case_person: {attributes: {person_id: {type: uuid}}}}\n",
        (2, 50, "person_id carries the link person.", "Remove the attribute; mappings fill the link person."),
    ),
    (
        "version: 1\nentities: {case_person: {rename: {person: human}}}\n",
        (2, 43, "person travels as the attribute person_id.", 'Change its "carried_as" instead.'),
    ),
    (
        "version: 1\nentities: {person: {rename: {ssn: suffix}}}\n",
        (2, 35, "Another field of person is called suffix already.", "Choose the name"),
    ),
    (
        "version: 1\nentities: {person: {rename: {ssn: custom_fields.ssn}}}\n",
        (2, 35, "ssn cannot move to custom_fields.ssn.", "Only custom fields"),
    ),
    (
        "version: 1\nentities: {person: {marker: {ask: filter, slot: legacyKey}}}\n",
        (2, 49, "The marker cannot be written to legacyKey.", "Name an attribute"),
    ),
    (
        "version: 1\nentities: {case: {marker: {ask: filter, slot: assignment_id}}}\n",
        (2, 47, "The marker cannot be written to assignment_id.", "Name an attribute"),
    ),
    (
        "version: 1\nentities: {goal: {marker: {ask: scoped, scope: cse}}}\n",
        (2, 48, "The link cse is unknown.", "Did you mean `case`?"),
    ),
    (
        "version: 1\nentities: {user: {marker: {ask: scoped}}}\n",
        (2, 27, "A scoped marker needs its scope.", "Name the link"),
    ),
    (
        "version: 1\nentities: {user: {marker: {ask: filter}}}\n",
        (2, 27, "A scoped or created marker has no slot, any other has one.", "Correct"),
    ),
    (
        "version: 1\nentities: {attachment: {flow: [{do: upload, url_attribute: url, max_bytes: 1}]}}\n",
        (2, 60, "The attribute url is unknown.", "Known: "),
    ),
    (
        "version: 1\nentities: {attachment: {flow: [{do: upload, url_attribute: upload_url}]}}\n",
        (2, 32, "An upload needs a limit.", 'Give "max_bytes".'),
    ),
    (
        "version: 1\nentities: {goal: {flow: [{do: read, relationship: case, attribute: nme}]}}\n",
        (2, 68, "case has no attribute nme to read.", "Add it to case"),
    ),
    (
        "version: 1\nentities: {goal: {flow: [{do: read, relationship: cas, attribute: name}]}}\n",
        (2, 51, "The link cas is unknown.", "Did you mean `case`?"),
    ),
    (
        "version: 1\nentities: {note: {natural_keys: [[subjct]]}}\n",
        (2, 35, "The field subjct is unknown.", "Did you mean `subject`?"),
    ),
    (
        "version: 1\nentities: {user: {match_on: mail}}\n",
        (2, 29, "The attribute mail is unknown.", "Did you mean `email`?"),
    ),
    (
        "version: 1\nentities: {person: {service: peeple}}\n",
        (2, 30, "The service peeple is unknown.", "Did you mean `people`?"),
    ),
    (
        "version: 1\nentities: {education: {path: /people/people}}\n",
        (2, 30, "person and education share the path /people/people.", "Give each"),
    ),
    (
        "version: 1\nentities: {person: {attributes: {ssn: {type: enum}}}}\n",
        (2, 39, "ssn: an enum and its list belong together.", "Give both"),
    ),
    (
        "version: 1\nentities: {person: {attributes: {ssn: {type: dropdown}}}}\n",
        (2, 39, "ssn: only custom fields are drop-downs.", "List it under custom_fields."),
    ),
    (
        'version: 1\nentities: {person: {attributes: {ssn: {pattern: "[0-9"}}}}\n',
        (2, 49, "ssn: the pattern is no regular expression.", "Correct it."),
    ),
    (
        'version: 1\nentities: {person: {attributes: {ssn: {minimum: "1"}}}}\n',
        (2, 49, "ssn: the minimum does not suit its type.", "Numbers have numbers"),
    ),
    (
        'version: 1\nentities: {person: {attributes: {date_of_birth: {maximum: "today"}}}}\n',
        (2, 59, "date_of_birth: the maximum does not suit its type.", "Numbers have numbers"),
    ),
    (
        "version: 1\nentities: {provider: {custom_fields: {x: {type: text}}}}\n",
        (2, 42, "provider is not known to take custom fields.", 'say "takes_custom_fields: true"'),
    ),
    (
        "version: 1\nentities: {person: {custom_fields: {x: {type: text, options: [a]}}}}\n",
        (2, 62, "x: only a drop-down has options.", 'Say "type: dropdown".'),
    ),
    (
        "version: 1\nlookups: {race: {options: [Asian, White, Asian]}}\n",
        (2, 27, "race lists the option Asian 2 times.", "Keep it once."),
    ),
    (
        "version: 1\nentities: {case: {custom_fields: {x: {type: dropdown, options: [a, a]}}}}\n",
        (2, 64, "case.x lists the option a 2 times.", "Keep it once."),
    ),
]


@pytest.mark.parametrize(("text", "expected"), FORM + NAMES + AGREEMENT, ids=lambda value: None)
def test_each_mistake_is_told_with_its_place_and_its_remedy(mistakes, text, expected):
    line, column, message, hint = expected
    found = [each for each in mistakes(text) if (each[0], each[1]) == (line, column)]
    assert [(each[2].startswith(message), each[3].startswith(hint) or hint in each[3]) for each in found] == [
        (True, True)
    ]


@pytest.mark.parametrize(("text", "expected"), NAMES + AGREEMENT, ids=lambda value: None)
def test_one_mistake_is_told_once(mistakes, text, expected):
    assert len(mistakes(text)) == 1


def test_mistakes_of_every_kind_come_at_once(mistakes):
    text = """version: 1
entities:
  person:
    attributes: {ssn: {type: strinng}}
    required: {last_nam: true}
    pathh: /people/people
    path: /people/people
    path: /people/persons
  persn: {path: no}
lookups: {gendr: {options: [1]}}
"""
    assert [(line, message.split(".")[0].split(":")[0]) for line, _, message, _ in mistakes(text)] == [
        (4, "type"),
        (5, "person has no field last_nam"),
        (6, "Unknown key pathh"),
        (8, "The key 'path' stands here for the second time (first in line 7)"),
        (9, "The entity persn is unknown"),
        (9, "Unquoted no is a boolean to some readers"),
        (10, "The lookup gendr is unknown"),
        (10, "options"),
    ]


def test_a_file_that_is_not_utf_8_is_refused_at_its_line(mistakes):
    assert mistakes(b"version: 1\ntenant: \xe9\n")[0][:3] == (2, 1, "The file is not UTF-8.")


def test_a_byte_order_mark_does_no_harm(tmp_path):
    file = tmp_path / "agency.yaml"
    file.write_bytes(b"\xef\xbb\xbfversion: 1\ntenant: harbor\n")
    assert load_catalog(file).tenant == "harbor"
