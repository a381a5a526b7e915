"""What AuthZEN 1.0 implementations are known to get wrong, and the test that shows that this one does not.

From the text of the specification, its certification scenario and the runners of the interoperability events.
"""

from __future__ import annotations

import importlib
import inspect
import io

import pytest

from tests.api.authzen_fixture import asking, scenario

_TRAPS = {
    "batch runners compare for equality: an answer that nobody asked to explain has no `context`": (
        "evaluation.test_the_eight_decisions_of_the_scenario_are_bare",
        "batch.test_answers_keep_the_order_and_are_bare",
        "interop.test_todo_decisions",
    ),
    "search runners compare sorted results exactly: nobody too many, nobody missing": (
        "search.test_the_searches_of_the_scenario",
        "interop.test_search_subjects",
    ),
    "another content type is 400, another method 405, a body that is no I-JSON object 400": (
        "evaluation.test_only_posts_of_json_are_taken",
    ),
    "an unknown `evaluations_semantic` is 400": ("batch.test_what_is_wrong_with_the_whole_is_400",),
    "the same request again gives the same decision: evaluation moves no chain": (
        "evaluation.test_asking_again_gives_the_same_answer_and_changes_nothing",
        "batch.test_items_do_not_see_each_other",
    ),
    "an item that lacks something, in a valid batch, is 200 with `decision: false`": (
        "batch.test_a_bad_item_is_false_and_says_why",
    ),
    "an unknown id or type in a search is an empty answer, not an error": (
        "search.test_what_is_unknown_is_an_empty_answer",
    ),
    "defaults of a batch are replaced whole, never merged": ("batch.test_defaults_are_replaced_as_a_whole",),
    "a batch without evaluations is a single evaluation, 400 and all": (
        "batch.test_without_evaluations_it_is_a_single_one",
    ),
    "a semantic that stops gives a shorter array": ("batch.test_the_semantic_says_where_to_stop",),
    "a missing or mistyped member is 400 and named": (
        "evaluation.test_malformed_requests_are_400_and_name_the_field",
        "search.test_malformed_searches_are_400",
    ),
    "unknown members, null properties and any context are taken": (
        "evaluation.test_context_and_unknown_members_change_nothing",
    ),
    "the id of what is searched for is ignored": ("search.test_an_id_of_what_is_searched_is_ignored",),
    "searches are transitive, and what they find evaluates to true": (
        "search.test_search_follows_groups_roles_and_containers",
        "search.test_the_searches_of_the_scenario",
    ),
    "the next page is asked for without the limit of the first; `page` comes first, `next_token` is empty at the end": (
        "search.test_pages_follow_each_other_to_the_end",
    ),
    "a request that changed between two pages is an error": ("search.test_a_token_belongs_to_its_question",),
    "a page may be empty and yet not the last": ("search.test_a_long_search_stops_and_says_where_to_go_on",),
    "metadata is never made from the Host header; nothing is made up where no address is set": (
        "metadata.test_metadata_is_built_from_the_setting",
        "metadata.test_without_a_public_address_there_is_no_metadata",
    ),
    "a path of the identifier stands behind `.well-known`": (
        "metadata.test_a_public_path_moves_the_document_behind_it",
    ),
    "X-Request-ID comes back unchanged": ("metadata.test_the_request_id_comes_back_unchanged",),
    "401 has a challenge; 403 is another thing": ("evaluation.test_who_may_ask",),
    "a token that may evaluate may not search for that": ("search.test_search_needs_its_scope",),
    "size, nesting and encoding are limited": ("traps.test_what_hurts_parsers_is_refused",),
    "an approval counts for exactly its request, and revocation is looked at again": (
        "access_request.test_from_denial_to_approval",
        "access_request.test_a_rejected_request_is_denied",
    ),
    "an access request that is repeated is one task": ("access_request.test_a_request_is_made_once",),
    "a task of somebody else does not exist": ("access_request.test_a_task_is_for_those_who_asked",),
}


@pytest.mark.parametrize("trap", _TRAPS, ids=lambda trap: trap[:48])
def test_each_trap_has_a_test(trap: str) -> None:
    """The tests that are named are there, and each says what it shows."""
    for name in _TRAPS[trap]:
        module, _, function = name.partition(".")
        test = getattr(importlib.import_module(f"tests.api.test_authzen_{module}"), function, None)
        assert inspect.iscoroutinefunction(test), name
        assert test.__doc__, name


@pytest.mark.anyio
async def test_what_hurts_parsers_is_refused() -> None:
    """Nesting without end and bytes that are no text are 400, a body above a megabyte 413; the service goes on."""
    deep = b'{"context":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001
    bodies = ((deep, 400), (b'{"context":"\xff\xfe"}', 400), (b" " * (1 << 20) + b"{}", 413))
    async with scenario() as door:
        token = door.service.token("analyst")
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        for path in ("evaluation", "evaluations", "search/subject"):
            url = f"{door.service.url}/access/v1/{path}"
            for body, status in bodies:
                async with door.service.http.post(url, data=io.BytesIO(body), headers=headers) as response:
                    assert response.status == status
                    assert (await response.json())["error"]["code"]
        assert (await door.post("evaluation", asking())).status == 200
