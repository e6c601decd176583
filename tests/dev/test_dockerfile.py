"""What can be said of the images without building them."""

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from secapi_dev import paths
from secapi_workers.catalogue import built_in

TARGETS = ("api", "operator", "worker-network", "worker-code", "worker-system", "worker", "migrations")
LABELS = {"title", "description", "licenses", "version", "revision", "source"}
PROJECT = tomllib.loads((paths.CHECKOUT / "pyproject.toml").read_text())["project"]

Instruction = tuple[str, str]


@dataclass(frozen=True)
class Stage:
    """One FROM and what follows; instructions by keyword and the rest of their line."""

    name: str
    base: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, keyword: str) -> list[str]:
        return [rest for word, rest in self.instructions if word == keyword]


def instructions() -> Iterator[Instruction]:
    text = (paths.CHECKOUT / "Dockerfile").read_text()
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for line in lines.replace("\\\n", " ").splitlines():
        if line.strip():
            keyword, _, rest = line.partition(" ")
            yield keyword, " ".join(rest.split())


def parse() -> tuple[dict[str, str], dict[str, Stage]]:
    """Arguments before the first stage with their defaults, and the stages by name."""
    arguments: dict[str, str] = {}
    stages: dict[str, Stage] = {}
    for keyword, rest in instructions():
        if keyword == "FROM":
            base, _, name = rest.partition(" AS ")
            current = stages[name] = Stage(name, base)
        elif stages:
            current.instructions.append((keyword, rest))
        else:
            name, _, arguments[name] = rest.partition("=")
    return arguments, stages


ARGUMENTS, STAGES = parse()


def lineage(name: str) -> list[Stage]:
    """The stage and those that it is made from, itself first."""
    stage = STAGES[name]
    return [stage, *(lineage(stage.base) if stage.base in STAGES else [])]


def inherited(target: str, keyword: str) -> str:
    """The instruction that counts: the last one, of the nearest stage that has any."""
    return next(stage.all(keyword)[-1] for stage in lineage(target) if stage.all(keyword))


def sources(stage: Stage) -> set[str]:
    """Stages that files are copied from."""
    return {copy.split()[0].removeprefix("--from=") for copy in stage.all("COPY") if copy.startswith("--from=")}


def commands(target: str) -> set[str]:
    """Scanners and Debian packages that were installed for the target."""
    runs = [run for name in sources(STAGES[target]) for run in STAGES[name].all("RUN") if "install-tools" in run]
    runs += [run for stage in lineage(target) for run in stage.all("RUN") if "apt-get install" in run]
    return {word for run in runs for word in run.split()}


def test_every_base_is_a_stage_or_pinned_by_tag_and_perhaps_by_digest() -> None:
    external = {stage.base for stage in STAGES.values()} - set(STAGES)
    assert external == {"${BASE}${BASE_DIGEST:+@${BASE_DIGEST}}", "scratch"}
    assert re.fullmatch(r"debian:[a-z]+-slim", ARGUMENTS["BASE"])
    assert ARGUMENTS["BASE_DIGEST"] == ""


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_runs_as_a_numeric_user_below_tini(target: str) -> None:
    assert STAGES[target].all("USER") == ["10001:10001"]
    assert inherited(target, "ENTRYPOINT") == '["/usr/bin/tini", "--"]'


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_runs_a_command_of_ours(target: str) -> None:
    (command,) = ast.literal_eval(inherited(target, "CMD"))
    assert command in PROJECT["scripts"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_has_no_installer_in_it(target: str) -> None:
    assert not {"installer", "build"} & {stage.name for stage in lineage(target)}
    assert not {"python3-pip", "python3-venv", "build-essential", "gcc"} & commands(target)


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_is_labelled(target: str) -> None:
    (labels,) = STAGES[target].all("LABEL")
    assert set(re.findall(r"org\.opencontainers\.image\.(\w+)=", labels)) == LABELS
    assert f'licenses="{PROJECT["license"]}"' in labels


def test_the_copy_of_the_base_has_its_configuration() -> None:
    assert STAGES["runtime"].base == "scratch"
    for keyword in ("ENV", "ENTRYPOINT"):
        assert STAGES["runtime"].all(keyword) == STAGES["base"].all(keyword)


@pytest.mark.parametrize("target", TARGETS)
def test_a_bill_of_materials_is_made_of_what_the_target_has(target: str) -> None:
    image, package = STAGES[target], STAGES[f"{target}-package"]
    assert f"--from={image.base} /var/lib/dpkg /image/dpkg" in package.all("COPY")
    assert sources(image) - {package.name} == sources(package) - {image.base}


def test_the_version_is_the_projects() -> None:
    assert ARGUMENTS["VERSION"] == PROJECT["version"]


@pytest.mark.parametrize(
    ("target", "pools"), [("worker-network", {"network"}), ("worker-code", {"code"}), ("worker-system", {"system"})]
)
def test_a_pools_image_has_the_scanners_of_its_pool(target: str, pools: set[str]) -> None:
    wanted = {scanner.spec.command for scanner in built_in().values() if scanner.spec.pool in pools}
    assert wanted <= commands(target)
    assert f"SECAPI_WORKER_POOLS={','.join(pools)}" in inherited(target, "ENV")


def test_the_common_workers_image_has_every_scanner_and_git() -> None:
    wanted = {scanner.spec.command for scanner in built_in().values()}
    assert wanted | {"git"} <= commands("worker")


def test_nothing_is_fetched_by_address_and_older_engines_understand_everything() -> None:
    for stage in STAGES.values():
        assert stage.all("ADD") == []
        for run in stage.all("RUN") + stage.all("COPY"):
            assert not re.search(r"--mount|<<|https?://", run)


def test_the_context_has_what_is_copied_and_neither_repository_nor_environments() -> None:
    first, *others = [
        line
        for line in (paths.CHECKOUT / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    admitted = {line.removeprefix("!") for line in others if line.startswith("!")}
    assert first == "*"
    assert not {".git", ".venv", ".uv", ".", "*"} & admitted
    copied = {copy.split()[0].split("/")[0] for stage in STAGES.values() for copy in stage.all("COPY")}
    assert {source for source in copied if not source.startswith("--") and source != "."} <= admitted
    assert all((paths.CHECKOUT / name).exists() for name in admitted)


def test_no_generated_class_of_the_kubernetes_client_is_used_as_images_have_none() -> None:
    used = set()
    for component in ("api/secapi_api", "operator/secapi_operator"):
        for module in (paths.CHECKOUT / component).rglob("*.py"):
            for node in ast.walk(ast.parse(module.read_text())):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kubernetes"):
                    used |= {(node.module, alias.name) for alias in node.names}
                elif isinstance(node, ast.Import):
                    used |= {(alias.name, "") for alias in node.names if alias.name.startswith("kubernetes")}
    assert used == {
        ("kubernetes.aio", "config"),
        ("kubernetes.aio.client", "ApiClient"),
        ("kubernetes.aio.client", "Configuration"),
    }
