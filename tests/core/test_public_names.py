import etl


def test_public_names_are_sorted_and_each_loads():
    assert etl.__all__ == sorted(etl.__all__)
    assert all(getattr(etl, name).__name__ == name for name in etl.__all__)


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(etl, "does_not_exist")
