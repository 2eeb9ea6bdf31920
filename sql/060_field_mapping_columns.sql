-- The columns that field_mappings.json maps Jira fields to.
--
-- In the template, the two statements are in a loop over the columns of the file: a new column
-- needs a new field there, and nothing here. A column's name, type and comment follow from the
-- field; docs/field_mappings.md has the rules. A column is never dropped: one whose field left
-- the file stays, with its data.
--
-- Ten of the columns are already in 020_tables.sql, some with another type of the same family
-- (varchar there, text here). Those keep their type and get their comment here.
--
-- Re-run: a column that exists is left as it is, whatever its type; the runner sends only what is
-- missing, because even an ADD COLUMN that finds its column would take the lock.
-- Locks: ACCESS EXCLUSIVE on the table for each ADD COLUMN. A new column is nullable and has no
-- default, so the table is not rewritten. COMMENT takes SHARE UPDATE EXCLUSIVE.

{% for column in field_mappings.columns %}

alter table {{ field_mappings.table | identifier }}
    add column if not exists {{ column.name | identifier }} {{ column.type | sql }};
comment on column {{ field_mappings.table | identifier }}.{{ column.name | identifier }} is
    {{ column.comment }};
{% endfor %}
