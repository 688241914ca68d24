"""Specs that mean the same have one spelling, and the spelling means what was asked for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rattler import MatchSpec

from conda_docker.environment.packages.normal_spec import normal_spec, normal_specs


@pytest.mark.parametrize(
    "spellings",
    [
        ["numpy", " numpy ", "Numpy", "numpy *", "numpy=*", "numpy[version='*']"],
        ["python=3.12", "python = 3.12", "python=3.12.*", "python 3.12.*", "python[version='3.12.*']"],
        ["python==3.12", "python == 3.12", "python 3.12", "python  3.12"],
        ["numpy>=2,<3", "numpy >=2,<3", "numpy >= 2 , < 3", "numpy<3,>=2", 'numpy[version=">=2,<3"]'],
        ["numpy==1.26=h_0", "numpy 1.26 h_0", "numpy=1.26=h_0"],
        ["blas=*=mkl", "blas[build=mkl]", "blas[build='mkl']", 'blas[ build = "mkl" ]', "blas * mkl"],
        ["c::a>=1[license='MIT',subdir='noarch']", 'c::a >=1[subdir=noarch, license="MIT"]'],
    ],
)
def test_one_spelling(spellings: list[str]) -> None:
    assert {normal_spec(spelling) for spelling in spellings} == {spellings[0]}


@pytest.mark.parametrize(
    "spec",
    [
        "https://host/linux-64/a-1-0.conda",
        "./a-1-0.conda",
        "https://host/t/c::a>=1",
        "numpy 1.26|>=2",
        "tensorflow=2.*=gpu*",
        "a~=1.2",
        "a[broken",
    ],
)
def test_what_is_normal_already(spec: str) -> None:
    assert normal_spec(normal_spec(spec)) == normal_spec(spec)


def test_order_and_repetition() -> None:
    assert normal_specs(["numpy", "flask", "x::a", "numpy "]) == ("x::a", "flask", "numpy")


versions = st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,2}){0,2}", fullmatch=True)
constraints = st.one_of(
    st.builds("={}".format, versions),
    st.builds("=={}".format, versions),
    st.builds(" {}".format, versions),
    st.builds(" {}.*".format, versions),
    st.builds("={}.*".format, versions),
    st.builds(" >={}, <{}".format, versions, versions),
    st.builds("!={},>{}".format, versions, versions),
    st.builds(" {} h_0".format, versions),
    st.builds("={}=h*".format, versions),
    st.builds("={}.*=h*".format, versions),
    st.builds(" {}|>={}".format, versions, versions),
    st.builds("[version='>={}',build=h_1]".format, versions),
    st.builds(">={}[build=h_1]".format, versions),
    st.sampled_from(["", " *", "=*=mkl", "[build=mkl]"]),
)


def _parts(spec: str) -> tuple[object, ...]:
    match = MatchSpec(spec, strict=False)
    version = str(match.version or "*")
    return (str(match.name).lower(), sorted(version.split(",")), str(match.build), str(match.channel))


@settings(max_examples=300)
@given(st.sampled_from(["numpy", "Numpy", "conda-forge::numpy"]), constraints)
def test_it_means_the_same_to_the_solver(name: str, constraint: str) -> None:
    assert _parts(normal_spec(name + constraint)) == _parts(name + constraint)


def test_a_channel_in_brackets_is_the_same_as_one_in_front() -> None:
    assert normal_spec("numpy[channel='team', build=py_0]") == normal_spec("team::numpy[build=py_0]")
