"""ADC models: their formulas and tables, their ends, and what is said outside of them."""

import sys
from types import ModuleType

import pytest

from dialects.chip.adc_models import ADC_MODELS, AdcModel, ClosedFormAdc, HwcomponentsAdc, SurveyAdc, TableAdc
from dialects.errors import UserError


@pytest.mark.parametrize(("bits", "pj", "um2", "ns"), [(8, 0.70, 2085, 18.5), (4, 0.32, 183, 9.2), (3, 0.24, 100, 6.9)])
def test_closed_form_gives_its_published_values(bits: int, pj: float, um2: float, ns: float):
    adc = ClosedFormAdc(rows=256, supply_v=0.9)
    assert adc.picojoules(bits) == pytest.approx(pj, abs=0.005)
    assert adc.square_micrometres(bits) == pytest.approx(um2, abs=0.5)
    assert adc.nanoseconds(bits) == pytest.approx(ns, abs=0.05)
    assert adc.note(bits) is None


@pytest.mark.parametrize(
    ("node", "rate", "bits", "pj", "um2"),
    [
        (22, 100, 4, 0.457, 1828),
        (22, 100, 10, 1.636, 2678),
        (32, 100, 7, 1.312, (3417 * 3939) ** 0.5),
        (32, 1000, 10, 13.95, 11180),
        (65, 100, 8, 6.494, 11862),
    ],
)
def test_survey_gives_the_values_of_its_table(node: float, rate: float, bits: int, pj: float, um2: float):
    adc = SurveyAdc(node, rate)
    assert adc.picojoules(bits) == pytest.approx(pj)
    assert adc.square_micrometres(bits) == pytest.approx(um2)
    assert adc.nanoseconds(bits) == 1000 / rate
    assert adc.note(bits) is None


def test_survey_between_the_points_of_its_table():
    middle_bits = SurveyAdc(22, 100).picojoules(5)
    assert middle_bits == pytest.approx((0.457 * 0.527) ** 0.5)
    middle_rate = SurveyAdc(32, 10**2.5).picojoules(10)
    assert middle_rate == pytest.approx((3.310 * 13.95) ** 0.5)
    middle_node = SurveyAdc((32 * 65) ** 0.5, 100).square_micrometres(8)
    assert middle_node == pytest.approx((3939 * 11862) ** 0.5)
    other_node = SurveyAdc(65, 1000).picojoules(10)
    assert other_node == pytest.approx(12.54 * 13.95 / 3.310)


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_survey_is_flat_below_four_bits_and_says_so(bits: int):
    adc = SurveyAdc(32, 100)
    assert (adc.picojoules(bits), adc.square_micrometres(bits)) == (
        pytest.approx(0.924),
        pytest.approx(3274),
    )
    assert adc.note(bits) == "the ADC survey begins at 4 bits: fewer are counted as 4"


@pytest.mark.parametrize(
    ("node", "rate", "message"),
    [
        (14, 100, 'node_nm = 14 is outside the table of adc_model = "survey": expected 22 to 65, or another adc_model'),
        (
            32,
            1280.5,
            'adc_rate_mhz = 1280.5 is outside the table of adc_model = "survey": expected 100 to 1000, '
            "or another adc_model",
        ),
    ],
)
def test_survey_ends(node: float, rate: float, message: str):
    with pytest.raises(UserError) as error:
        SurveyAdc(node, rate)
    assert str(error.value) == message


def test_survey_ends_at_ten_bits():
    with pytest.raises(UserError) as error:
        SurveyAdc(32, 100).picojoules(11)
    assert str(error.value) == (
        'an ADC of 11 bits is outside the table of adc_model = "survey": expected at most 10, or another adc_model'
    )


def test_hwcomponents_that_is_not_installed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "hwcomponents_adc", None)
    with pytest.raises(UserError) as error:
        HwcomponentsAdc(32, 100).picojoules(8)
    assert str(error.value) == (
        'adc_model = "hwcomponents" needs the package hwcomponents-adc, which is not installed: '
        "install it (Python 3.12 or later), or choose one of table, closed-form-28nm, survey"
    )


class PackagesAdc:
    """The interface of hwcomponents_adc.ADC, in its units: metres, samples a second, joules, square metres."""

    def __init__(self, n_bits: int, tech_node: float, throughput: float) -> None:
        assert n_bits >= 4
        self.energy = 1e-12 * n_bits
        self.area = 1e-12 * (1e9 * tech_node + 1e-6 * throughput)

    def get_energy(self) -> float:
        return self.energy


def test_units_of_hwcomponents(monkeypatch: pytest.MonkeyPatch):
    package = ModuleType("hwcomponents_adc")
    package.__dict__["ADC"] = PackagesAdc
    monkeypatch.setitem(sys.modules, "hwcomponents_adc", package)
    adc = HwcomponentsAdc(node_nm=32, rate_mhz=500)
    assert adc.picojoules(8) == pytest.approx(8)
    assert adc.picojoules(2) == pytest.approx(4)
    assert adc.square_micrometres(8) == pytest.approx(32 + 500)
    assert adc.nanoseconds(8) == 2.0
    assert adc.note(8) is None
    assert adc.note(3) == "the ADC survey begins at 4 bits: fewer are counted as 4"


def test_table():
    adc = TableAdc((1.0, 2.0), (10.0, 20.0))
    assert (adc.picojoules(1), adc.square_micrometres(2), adc.nanoseconds(1), adc.note(1)) == (1.0, 20.0, None, None)


def test_the_models_disagree_on_area():
    """From 4 to 8 bits an ADC grows 1.2 times by the survey and 11 times by the closed form: reports name the model."""

    def growth(adc: AdcModel) -> float:
        return adc.square_micrometres(8) / adc.square_micrometres(4)

    assert growth(SurveyAdc(32, 100)) == pytest.approx(1.2, abs=0.01)
    assert growth(ClosedFormAdc(256, 0.9)) == pytest.approx(11.4, abs=0.1)
    assert set(ADC_MODELS) == {"table", "closed-form-28nm", "survey", "hwcomponents"}
