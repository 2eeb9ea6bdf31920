{% macro value(name, content) %}
insert into issue (key, data)
select {{ name }}, {{ content }}
where not exists (select 1 from issue where key = {{ name }});
{% endmacro %}
{% set prefix = 'K-' %}
{% for name in names if flag %}
{{ value(prefix ~ name, settings) }}
{% else %}
select {{ none }};
{% endfor %}
{# a comment #}
{% raw %}select '{{ not ours }}';{% endraw %}
update issue set data = {{ names }} where key = E'a\'b' and data is distinct from {{ names }};
select {{ number }}, {{ ratio }}, {{ day }}, {{ moment }}, {{ flag }}, $tag$ ; $tag$, U&'\0441' /* in /* nested */ */;
