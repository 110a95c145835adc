"""What may be sent about sources and their readings."""

from typing import Any, BinaryIO, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.connectors import REGISTRY, sniffing, xlsx
from accounts.connectors.connector import Connector
from accounts.connectors.text import ENCODINGS
from accounts.forms import columns
from accounts.forms.inventory import VersionForm, person_field
from accounts.models import ImportRun, Source, System
from portal.users.models import Approval, User

SURE = 0.9  # of a format, from 0 to 1
TABLES = ".csv,.tsv,.txt,.xlsx"  # what a browser offers first where a source sends tables
ENCODING_CHOICES = [("", _("UTF-8, or UTF-16 with its mark")), *((name, name) for name in ENCODINGS[1:])]
SHEET_HELP = _("Of a workbook; else its first one that is not hidden.")
DATE_CHOICES = [("", _("no slashes, or clear")), ("dmy", _("day/month/year")), ("mdy", _("month/day/year"))]


class FileForm(forms.Form):
    """One file of a source, and when it was read there."""

    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,  # refused with words of its own
        help_text=_(
            "A table may be CSV or an Excel workbook (.xlsx). Secret columns and fields are cut out while "
            "the file is read; what was cut is listed."
        ),
    )
    taken_at = forms.DateTimeField(
        label=_("Read at the source"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_(
            "When it was exported, in UTC; where the file says so itself, the file counts. If nobody knows, "
            "leave it empty: a reading of unknown time shows what is there and proves nothing gone."
        ),
    )
    filter_text = forms.CharField(
        label=_("Query or filter"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text=_("How it was asked for at the source, so that anybody can ask again."),
    )
    source_count = forms.IntegerField(
        label=_("Rows the source counted"),
        required=False,
        min_value=0,
        max_value=2**31 - 1,
        help_text=_("If the file holds another number, nothing that is missing in it counts as gone."),
    )
    encoding = forms.ChoiceField(label=_("Encoding"), required=False, choices=ENCODING_CHOICES)
    sheet = forms.CharField(label=_("Sheet"), required=False, max_length=100, help_text=SHEET_HELP)

    @property
    def options(self) -> dict[str, str]:
        """What this file needs beyond its source's mapping."""
        given = {name: self.cleaned_data.get(name) for name in ("encoding", "sheet")}
        return {name: value for name, value in given.items() if value}

    def head(self) -> bytes:
        """The first bytes of the file, of a workbook as CSV; it is at its beginning again afterwards."""
        file: UploadedFile[Any] = self.cleaned_data["file"]
        return xlsx.beginning(cast(BinaryIO, file), self.data.get("sheet") or None)[: sniffing.HEAD]


class ReadingForm(FileForm):
    """Another file of a source that is known."""

    def __init__(self, *args: Any, source: Source, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.source = source
        for name in ("encoding", "sheet"):
            if name not in REGISTRY[source.connector].options:
                del self.fields[name]
        if "sheet" in self.fields:
            self.fields["file"].widget.attrs["accept"] = TABLES
            self.fields["sheet"].widget.attrs["placeholder"] = source.mapping.get("sheet", "")

    def clean_file(self) -> Any:
        """A file surely of another format is refused; in doubt it is read, and may be refused then."""
        file, head = self.cleaned_data["file"], self.head()
        expected = REGISTRY[self.source.connector]
        found = next((REGISTRY[key] for key in sniffing.sniff(head, file.name)), expected)
        if found.sniff(head, file.name) >= SURE > expected.sniff(head, file.name):
            raise ValidationError(
                _(
                    "This looks like “%(found)s”, and this source sends “%(expected)s”. Choose the right "
                    "file or source."
                ),
                params={"found": found.label, "expected": expected.label},
            )
        return file


class SourceOptions(forms.Form):
    """How a source's files are read; fields that its format does not have are left out."""

    complete = forms.BooleanField(
        label=_("Each file lists everything"),
        required=False,
        help_text=_("Then what is missing in a file is gone. Say so only for exports without any filter."),
    )
    covers = forms.CharField(
        label=_("Of these kinds"),
        required=False,
        help_text=_("Which kinds the file lists in full, if not all it shows: account, grant, credential."),
    )
    encoding = forms.ChoiceField(label=_("Encoding"), required=False, choices=ENCODING_CHOICES)
    sheet = forms.CharField(label=_("Sheet"), required=False, max_length=100, help_text=SHEET_HELP)
    dates = forms.ChoiceField(label=_("Dates with slashes"), required=False, choices=DATE_CHOICES)
    zone = forms.CharField(
        label=_("Time zone"),
        required=False,
        help_text=_("Of times without one, such as Europe/Berlin; else UTC."),
    )
    columns = forms.CharField(
        label=_("Columns"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=_("Only where the usual names are not found. One a line: field = name of the column."),
    )

    def __init__(self, *args: Any, connector: Connector, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connector = connector
        for name in ("complete", "covers", "encoding", "sheet", "dates", "zone"):
            if name not in connector.options:
                del self.fields[name]
        self.known = columns.fields_of(connector)
        if not self.known:
            del self.fields["columns"]

    @staticmethod
    def initial_of(source: Source) -> dict[str, Any]:
        """The source's mapping as this form shows it."""
        mapping = dict(source.mapping)
        options = {name: mapping.pop(name) for name in REGISTRY[source.connector].options if name in mapping}
        options["complete"] = options.get("complete") == "yes"
        return {**options, "columns": "\n".join(f"{field} = {column}" for field, column in mapping.items())}

    def clean_columns(self) -> dict[str, str]:
        """Field and column of each line, or which line is unclear."""
        found = {}
        for number, line in enumerate(self.cleaned_data["columns"].splitlines(), 1):
            if not line.strip():
                continue
            field, sign, column = (part.strip() for part in line.partition("="))
            if not (field and sign and column):
                raise ValidationError(
                    _("Line %(number)d: write it as “field = name of the column”."), params={"number": number}
                )
            if field.partition(":")[0] not in self.connector.fields:
                raise ValidationError(
                    _("Line %(number)d: there is no field “%(field)s”. There are: %(fields)s."),
                    params={
                        "number": number,
                        "field": field[:40],
                        "fields": ", ".join(self.connector.fields),
                    },
                )
            found[field] = column
        return found

    @property
    def mapping(self) -> dict[str, str]:
        """All of it, as a source keeps it."""
        given = dict(self.cleaned_data)
        mapping: dict[str, str] = given.pop("columns", {}) or {}
        if given.get("complete"):
            mapping["complete"] = "yes"
        for name in ("covers", "encoding", "sheet", "dates", "zone"):
            if given.get(name):
                mapping[name] = given[name]
        return mapping


class SourceForm(VersionForm, SourceOptions):
    """A source's name, how its files are read, and how long a reading stays fresh."""

    name = forms.CharField(label=_("Name"), max_length=200)
    fresh_days = forms.IntegerField(
        label=_("Days a reading stays fresh"),
        min_value=1,
        max_value=400,
        help_text=_("After that it is late, and a campaign says so."),
    )
    field_order = (
        "version",
        "name",
        "fresh_days",
        "complete",
        "covers",
        "encoding",
        "sheet",
        "dates",
        "zone",
        "columns",
    )


class NewSourceForm(columns.ColumnsForm, FileForm):
    """A source and its first file: whose records they are, and in which format."""

    PEOPLE, KNOWN, NEW = "people", "known", "new"

    name = forms.CharField(
        label=_("Name of the source"), max_length=200, help_text=_("Such as “CORE, monthly extract”.")
    )
    tells_of = forms.ChoiceField(
        label=_("It tells of"),
        widget=forms.RadioSelect,
        choices=[
            (PEOPLE, _("people, from HR")),
            (KNOWN, _("accounts on a system that is known")),
            (NEW, _("accounts on a system that is new here")),
        ],
    )
    employer = forms.CharField(
        label=_("Company"),
        required=False,
        max_length=200,
        help_text=_("Of an HR source: whose numbers these are. The same number elsewhere is another person."),
    )
    code = forms.SlugField(
        label=_("Short code"),
        required=False,
        max_length=24,
        help_text=_("Such as AWS-PAY; it can't be changed later."),
    )
    system_name = forms.CharField(label=_("Name of the system"), required=False, max_length=200)
    environment = forms.ChoiceField(label=_("Environment"), required=False, choices=System.Environment)
    reference = forms.CharField(
        label=_("What it calls itself"),
        required=False,
        max_length=200,
        help_text=_("In its exports, such as an AWS account id. A file that names another one is refused."),
    )
    owner = person_field(_("Owner"), required=False, help_text=_("Number, address or full name of a person."))
    connector = forms.ChoiceField(
        label=_("Format"),
        required=False,
        choices=[
            ("", _("Recognise it by its content")),
            *((key, one.label) for key, one in REGISTRY.items()),
        ],
    )
    complete = forms.BooleanField(
        label=_("Each file lists everything"),
        required=False,
        help_text=_("Then what is missing in a file is gone. Say so only for exports without any filter."),
    )

    SYSTEM_FIELDS = ("code", "system_name", "environment", "reference", "owner")
    FILE_FIELDS = ("file", "connector", "taken_at", "encoding", "sheet", "complete")

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["system"] = forms.ModelChoiceField(
            label=_("System"),
            queryset=System.objects.visible_to(by).by_code(),
            required=False,
            empty_label=_("Choose …"),
        )
        generic = columns.PEOPLE if self.data.get("tells_of") == self.PEOPLE else columns.ACCOUNTS
        self.add_columns(self.data.get("connector") or generic)

    def clean_name(self) -> str:
        """One source of a name."""
        name: str = self.cleaned_data["name"].strip()
        if Source.objects.filter(name=name).exists():
            raise ValidationError(
                _("There is a source of this name already. Send the file to it, or name this one otherwise.")
            )
        return name

    def clean_code(self) -> str:
        """One system of a code."""
        code: str = self.cleaned_data["code"]
        if code and System.objects.filter(code__iexact=code).exists():
            raise ValidationError(_("A system of this code is known already. Choose it above."))
        return code

    def clean(self) -> dict[str, Any]:
        """What the choice of whom it tells of needs, and a format that fits it."""
        given = super().clean() or {}
        tells_of = given.get("tells_of")
        if tells_of == self.KNOWN and not given.get("system"):
            self.add_error("system", _("Choose the system."))
        if tells_of == self.NEW:
            for name in ("code", "system_name"):
                if not given.get(name) and name not in self.errors:
                    self.add_error(name, _("A new system needs this."))
        self.say_columns()
        if tells_of and given.get("file") is not None:
            given["connector"] = self._format(tells_of == self.PEOPLE)
        return given

    def _format(self, of_people: bool) -> str:
        """The chosen or recognised format, if it tells of what it should."""
        chosen = self.cleaned_data.get("connector")
        if self.chosen and not chosen:  # whoever says what its columns are, says that it is a plain table
            chosen = columns.PEOPLE if of_people else columns.ACCOUNTS
        likely = [chosen] if chosen else sniffing.sniff(self.head(), self.cleaned_data["file"].name)
        fitting = [key for key in likely if ("person" in REGISTRY[key].reads) == of_people]
        if fitting:
            return fitting[0]
        if not likely:
            self.add_error("connector", self._not_recognised())
        else:
            words = pgettext_lazy("format", "“%(format)s” tells of people, not of accounts on a system.")
            if of_people:
                words = pgettext_lazy("format", "“%(format)s” tells of accounts on a system, not of people.")
            self.add_error("connector", ValidationError(words, params={"format": REGISTRY[likely[0]].label}))
        return ""

    def _not_recognised(self) -> ValidationError:
        head = self.head()
        if not head:
            return ValidationError(_("The file is empty. Export it again."))
        if self.table is not None:
            return ValidationError(
                _(
                    "No format has columns like these: %(columns)s. Say below what they are, or check that "
                    "the first row names the columns."
                ),
                params={"columns": ", ".join(one.shown for one in self.table.columns)[:200]},
            )
        return ValidationError(
            _(
                "This is neither a table nor JSON in a known format. Choose its format, or export it as "
                "CSV in UTF-8."
            )
        )

    @property
    def mapping(self) -> dict[str, str]:
        """What the new source is told about its files."""
        options = REGISTRY[self.cleaned_data["connector"]].options
        given = {
            "complete": "yes" if self.cleaned_data["complete"] else "",
            "encoding": self.cleaned_data["encoding"],
            "sheet": self.cleaned_data["sheet"],
        }
        return {**self.chosen, **{name: value for name, value in given.items() if value and name in options}}


class ApplyForm(VersionForm):
    """Apply a reading, or ask a second person to; the first one of a source has to be looked at."""

    reason = forms.CharField(
        label=_("Why it is right that these end"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The second person decides on it."),
    )
    release = forms.BooleanField(
        label=_("I looked at this first reading: the source sends what it should."),
        error_messages={"required": _("Look at it first, then say so here.")},
    )

    def __init__(self, *args: Any, run: ImportRun, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not run.preview.get("fuse"):
            del self.fields["reason"]
        if not run.source.is_quarantined:
            del self.fields["release"]


class AnswerForm(forms.Form):
    """Whether a second person releases what a reading would end."""

    remark = forms.CharField(label=_("Remark"), required=False, max_length=500)
    verdict = forms.ChoiceField(choices=Approval.Verdict, widget=forms.HiddenInput)


class ConfirmForm(VersionForm):
    """The count that somebody else read at the source."""

    control_total = forms.IntegerField(
        label=_("Rows at the source"),
        min_value=0,
        max_value=2**31 - 1,
        help_text=_("Count them in the system itself, not in the file."),
    )
