"""The file outside the database: whole or not there, and never quite the same when it is copied."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from app.db import instance_file
from app.domain.errors import SettingMissing
from app.domain.restore import Life

LIFE = Life("a" * 32, 7)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    written = tmp_path / "var" / "instance.json"
    instance_file.write(written, LIFE)
    return written


def test_what_was_written_is_read(path: Path):
    page = instance_file.read(path)
    assert page is not None
    assert page.life == LIFE
    assert not page.moved
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_it_may_be_written_again_and_again(path: Path):
    for epoch in range(20):
        instance_file.write(path, Life("a" * 32, epoch))
        page = instance_file.read(path)
        assert page is not None
        assert (page.life.epoch, page.moved) == (epoch, False)


def test_a_faithful_copy_is_told_from_the_original(path: Path):
    subprocess.run(["cp", "-a", path.parent, path.parents[1] / "copy"], check=True)
    copy = instance_file.read(path.parents[1] / "copy" / path.name)
    assert copy is not None
    assert copy.moved
    assert copy.life == LIFE


def test_what_comes_back_from_a_backup_is_told_from_what_was_there(path: Path):
    backup = path.with_name("backup")
    shutil.copy2(path, backup)
    instance_file.write(path, Life("a" * 32, 8))
    instance_file.write(path, Life("a" * 32, 9))
    path.write_bytes(backup.read_bytes())
    restored = instance_file.read(path)
    assert restored is not None
    assert restored.moved


def test_a_folder_that_only_gets_another_name_is_no_copy(path: Path):
    path.parent.rename(path.parents[1] / "elsewhere")
    page = instance_file.read(path.parents[1] / "elsewhere" / path.name)
    assert page is not None
    assert not page.moved


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "x"}', '{"name": 1, "epoch": "x"}'])
def test_what_is_no_page_fits_no_database(path: Path, text: str):
    path.write_text(text)
    page = instance_file.read(path)
    assert page is not None
    assert page.life.name == ""


def test_where_there_is_no_file_there_is_no_page(tmp_path: Path):
    assert instance_file.read(tmp_path / "nowhere" / "instance.json") is None


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "var").write_text("a file where the folder should be")
    with pytest.raises(SettingMissing, match="FEUILLETON_INSTANCE_FILE"):
        instance_file.write(tmp_path / "var" / "instance.json", LIFE)
    os.mkdir(tmp_path / "folder")
    with pytest.raises(SettingMissing, match="FEUILLETON_INSTANCE_FILE"):
        instance_file.read(tmp_path / "folder")
