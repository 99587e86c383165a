"""The server asks the C library for few pools of memory, where it is one that has them."""

import platform
import sys

from bot.app.allocator import few_pools


def test_glibc_takes_the_settings_and_other_systems_are_left_as_they_are() -> None:
    assert few_pools() is (sys.platform == "linux" and platform.libc_ver()[0] == "glibc")
