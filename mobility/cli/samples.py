"""``mobility samples list|copy``: the sample feeds that come with the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mobility.cli import options

app = typer.Typer(
    help="Small synthetic feeds with their case files, to try things on.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("list")
def list_samples(as_json: options.Json = False) -> None:
    """Name the sample feeds, their case files and where they lie.

    Examples:

      mobility samples list

      mobility samples list --json
    """
    from mobility import samples
    from mobility.cli.output import print_json, print_table

    found = [
        {"name": name, "cases": samples.case_files(name), "path": str(samples.path(name))}
        for name in samples.available
    ]
    if as_json:
        print_json(found)
        return
    print_table(
        [(one["name"], ", ".join(one["cases"]), one["path"]) for one in found],
        columns=("name", "case files", "path"),
    )


@app.command("copy")
def copy(
    name: Annotated[str, typer.Argument(help="A sample's name.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make; must be new.")],
) -> None:
    """Copy a sample feed with its case files into a new folder.

    Examples:

      mobility samples copy santiago my-santiago

      mobility samples copy changsha my-changsha
    """
    import shutil
    import tempfile

    from mobility import samples
    from mobility.errors import ConfigError

    source = samples.path(name)
    if folder.exists() or folder.is_symlink():
        raise ConfigError(f"{folder}: exists already", mend="name a folder that does not exist yet")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
            made = Path(temporary) / "sample"
            shutil.copytree(source, made)
            made.rename(folder)
    except OSError as error:
        raise ConfigError(
            f"{folder}: cannot be written: {error.strerror}", mend="name a folder you may write to"
        ) from None
    typer.echo(str(folder))
