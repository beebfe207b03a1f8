"""Every fault that was promised to be met has a test by name, so that none is lost when tests are moved."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FAULTS = {
    "broken TOML": ("faults/test_files.py::test_a_sites_toml_that_breaks_while_the_room_runs", "config/test_cases.py::test_what_is_said"),
    "unknown keys": (
        "faults/test_files.py::test_each_command_says_what_is_wrong_with_sites_toml",
        "config/test_cases.py::test_what_is_said",
    ),
    "two sites with one id": (
        "faults/test_files.py::test_one_id_in_two_files_names_both",
        "config/test_load.py::test_one_id_in_two_files_names_both",
    ),
    "missing key file": (
        "faults/test_ways_in.py::test_each_fault_is_told_and_the_others_go_on",
        "cli/test_check.py::test_a_missing_key_file",
    ),
    "key with wrong mode": (
        "faults/test_ways_in.py::test_each_fault_is_told_and_the_others_go_on",
        "faults/test_ways_in.py::test_a_key_that_others_can_read_is_noted_before_anybody_connects",
    ),
    "wrong user": ("faults/test_ways_in.py::test_each_fault_is_told_and_the_others_go_on",),
    "refused port": ("faults/test_ways_in.py::test_each_fault_is_told_and_the_others_go_on",),
    "black hole": (
        "faults/test_ways_in.py::test_each_fault_is_told_and_the_others_go_on",
        "reach/test_login.py::test_a_listener_that_never_speaks_is_given_up",
    ),
    "changed host key": (
        "faults/test_ways_in.py::test_each_fault_is_told_and_the_others_go_on",
        "cli/test_check.py::test_a_changed_key_is_never_taken",
        "view/test_acting.py::test_a_changed_host_key_is_refused_whatever_is_pressed",
    ),
    "a host without stat": (
        "faults/test_logs.py::test_a_host_without_it_is_read_all_the_same",
        "faults/test_logs.py::test_a_busybox_host_without_stat_and_tail",
    ),
    "a host without tail -c": (
        "faults/test_logs.py::test_a_host_without_it_is_read_all_the_same",
        "adapters/test_cursor.py::test_a_host_that_lacks_a_tool",
    ),
    "a log of 10 GB": ("faults/test_logs.py::test_a_log_of_ten_gigabytes",),
    "a line of 5 MB": (
        "faults/test_logs.py::test_a_line_of_five_megabytes",
        "adapters/test_cursor.py::test_a_line_of_five_megabytes_is_bounded",
    ),
    "binary in a log": ("faults/test_logs.py::test_binary_invalid_utf8_and_sequences_come_as_harmless_text",),
    "invalid UTF-8": (
        "faults/test_logs.py::test_binary_invalid_utf8_and_sequences_come_as_harmless_text",
        "faults/test_names.py::test_a_release_that_is_not_utf8_breaks_neither_wire_nor_history_nor_record",
        "faults/test_names.py::test_a_plugin_folder_that_is_not_utf8_is_listed_and_the_others_work",
    ),
    "ANSI and markup in every text field": (
        "faults/test_terminal.py::test_nothing_that_a_store_says_is_obeyed_by_the_terminal",
        "faults/test_terminal.py::test_scripts_get_no_sequence_either",
        "view/test_screens.py::test_hostile_text_is_only_text",
    ),
    "a plugin called x; rm -rf /": (
        "faults/test_names.py::test_a_plugin_called_rm_is_one_word_everywhere",
        "faults/test_names.py::test_a_plugin_that_no_folder_can_be_called_is_shown_and_refused",
    ),
    "a release folder with a newline in its name": ("faults/test_names.py::test_a_release_with_a_newline_is_rolled_back_to",),
    "a clock two hours off": (
        "faults/test_logs.py::test_a_host_whose_clock_is_two_hours_off",
        "reach/test_shell.py::test_a_host_two_hours_off_is_noticed",
    ),
    "a full disk under the state folder": (
        "faults/test_disk.py::test_history_and_audit_on_a_disk_that_fills_up",
        "faults/test_disk.py::test_a_disk_that_is_full_from_the_start",
        "gate/test_audit.py::test_a_full_disk_leaves_nothing_half_written",
    ),
    "a history file of another version": ("faults/test_files.py::test_a_history_of_another_version_is_kept_and_a_new_one_begun",),
    "a viewer of another version": (
        "faults/test_files.py::test_a_viewer_of_another_version_hears_both_and_harms_nobody",
        "wire/test_start.py::test_a_room_of_another_version_is_restarted_on_request",
        "view/test_acting.py::test_a_room_of_another_version_is_named_and_restarted_when_asked",
    ),
    "a terminal of 20x5": ("faults/test_terminal.py::test_a_terminal_of_20_by_5_says_what_it_needs_and_recovers",),
    "TERM=dumb": ("faults/test_terminal.py::test_a_dumb_terminal_is_told_what_to_use_instead",),
    "a closed pipe": (
        "cli/test_cli.py::test_a_closed_pipe_is_quiet",
        "headless/test_looking.py::test_status_into_a_closed_pipe_is_quiet",
        "headless/test_looking.py::test_a_followed_log_goes_on_and_its_reader_may_leave",
        "faults/test_terminal.py::test_a_terminal_that_is_closed_ends_its_viewer_and_not_the_room",
    ),
}


def asserting(path: Path) -> set[str]:
    """The tests of a file that hold something: an assert, an expected error, or a helper that has them in that file."""
    tree = ast.parse(path.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {one.name for one in functions if one.name.startswith("test_") and any(isinstance(node, ast.Assert) for node in ast.walk(one))}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_its_tests(fault):
    for named in FAULTS[fault]:
        path, _, test = named.partition("::")
        assert (ROOT / "tests" / path).is_file(), f"{fault}: {path} is gone"
        assert test in asserting(ROOT / "tests" / path), f"{fault}: there is no test {named}, or it asserts nothing"


def test_the_table_is_whole():
    """As many as were promised."""
    assert len(FAULTS) == 25 and all(FAULTS.values())
