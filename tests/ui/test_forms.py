"""A field, its help and its errors belong together for those who do not see the page."""

import re

from django import forms
from django.core.exceptions import ValidationError
from django.template import Context, Template


class Example(forms.Form):
    name = forms.CharField(help_text="As it stands on the System.")
    note = forms.CharField(required=False)
    reviewer = forms.ChoiceField(widget=forms.RadioSelect, choices=[("m", "Manager"), ("o", "Owner")])
    privileged = forms.BooleanField(required=False)
    version = forms.IntegerField(widget=forms.HiddenInput)

    def clean(self) -> None:
        raise ValidationError("The review has <no> reviewer.")


def draw(source: str, form: forms.Form) -> str:
    return Template(source).render(Context({"form": form}))


def test_a_label_belongs_to_its_field() -> None:
    html = draw("{% field form.name %}", Example())
    assert '<label for="id_name">Name</label>' in html
    assert 'aria-describedby="id_name_helptext"' in html
    assert 'id="id_name_helptext"' in html


def test_errors_are_announced_with_the_field() -> None:
    html = draw("{% field form.name %}", Example({}))
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'id="id_name_error"' in html
    assert 'aria-invalid="true"' in html
    assert "This field is required." in html


def test_what_may_stay_empty_says_so() -> None:
    assert "optional" in draw("{% field form.note %}", Example())
    assert "optional" not in draw("{% field form.name %}", Example())


def test_choices_are_a_group_with_a_name() -> None:
    html = draw("{% field form.reviewer %}", Example({}))
    assert re.search(r'role="group" aria-labelledby="id_reviewer_label"', html)
    assert 'id="id_reviewer_label"' in html
    assert 'aria-describedby="id_reviewer_error"' in html


def test_all_fields_are_drawn_once_and_the_hidden_ones_without_label() -> None:
    html = draw("{% fields form %}", Example())
    assert html.count('name="version"') == 1
    assert 'for="id_version"' not in html
    assert [html.count(f'name="{name}"') for name in ("name", "note", "privileged")] == [1, 1, 1]


def test_the_summary_leads_to_each_field() -> None:
    html = draw("{% errors form %}", Example({}))
    assert 'role="alert"' in html
    assert 'href="#id_name"' in html
    assert 'href="#id_reviewer_0"' in html or 'href="#id_reviewer"' in html
    assert "The review has &lt;no&gt; reviewer." in html


def test_a_hidden_field_that_is_wrong_is_named_too() -> None:
    assert "Version: This field is required." in draw("{% errors form %}", Example({}))


def test_a_form_without_mistakes_has_no_summary() -> None:
    assert draw("{% errors form %}", Example()) == ""
