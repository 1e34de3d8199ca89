"""The example application's own schema: its trigger and both of its views go over."""

from __future__ import annotations

import datetime
from pathlib import Path

from integration.programs import pair

SCHEMA = Path(__file__).resolve().parents[3] / "examples" / "homeverse" / "schema.sql"
ROWS = """

INSERT INTO companies (id, name, slug) VALUES (1, 'Bau', 'bau');
INSERT INTO projects (id, company_id, name, status, price, updated_at) VALUES
    (1, 1, 'North', 'sold', 100, '2024-01-01 00:00:00'), (2, 1, 'South', 'draft', 200, '2024-01-01 00:00:00');
INSERT INTO applicants (id, company_id, first_name, last_name) VALUES (1, 1, 'Ann', 'A'), (2, 1, 'Bob', 'B');
INSERT INTO matches (company_id, applicant_id, project_id, score, status) VALUES
    (1, 1, 1, 0.25, 'accepted'), (1, 2, 1, 0.1234, 'suggested');
INSERT INTO activities (company_id, user_id, type, timestamp) VALUES
    (1, 1, 'call', '2024-01-05 10:00:00'), (1, 1, 'call', '2024-01-06 10:00:00'), (1, NULL, 'call', '2024-01-06 10:00:00'),
    (1, 2, 'mail', '2024-02-06 10:00:00');
"""


def test_views_and_trigger_of_the_example_do_the_same(any_postgres: str, tmp_path: Path) -> None:
    with pair.pair(tmp_path, any_postgres, SCHEMA.read_text(encoding="utf-8") + ROWS) as both:
        assert [one.name for one in (*both.plan.views, *both.plan.triggers) if one.reason] == []
        assert both.same("SELECT * FROM project_overview WHERE match_count >= 0")[0]
        assert both.same("SELECT company_id, month, user_count FROM monthly_activity WHERE type = 'call'")[0]
        assert both.same("UPDATE projects SET name = 'West', updated_at = '2024-05-05 00:00:00' WHERE id = 1") == (
            [],
            1,
        )
        here, there = both.both("UPDATE projects SET name = name || '!'")
        assert here == there == ([], 2)
        moments = both.post.execute("SELECT updated_at FROM projects").fetchall()
        before = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) - datetime.timedelta(minutes=5)
        assert all(moment > before for (moment,) in moments)
        assert both.lite.execute("SELECT count(*) FROM projects WHERE updated_at > '2025'").fetchone() == (2,)
