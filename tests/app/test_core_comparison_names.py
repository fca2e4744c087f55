from app.core.runs import _distinct


def test_models_keep_their_names_where_these_tell_them_apart():
    assert _distinct([("demo", "linear probe", "J1"), ("twin", "finetuned", "J2")]) == ("demo", "twin")


def test_one_model_in_two_modes_is_told_apart_by_them():
    told = _distinct([("demo", "linear probe", "J1"), ("demo", "finetuned", "J2"), ("twin", "linear probe", "J3")])
    assert told == ("demo, linear probe", "demo, finetuned", "twin")


def test_one_model_twice_in_one_mode_is_told_apart_by_its_runs():
    assert _distinct([("demo", "finetuned", "J1"), ("demo", "finetuned", "J2")]) == ("demo (J1)", "demo (J2)")
