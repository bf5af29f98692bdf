SELECT array((SELECT search_dictionaries.dictionary
FROM search_dictionaries ORDER BY search_dictionaries.dictionary)) AS array_1, (SELECT
min(search_entries.schema_version) AS min_1
FROM search_entries) AS anon_1, (SELECT max(search_entries.schema_version) AS max_1
FROM search_entries) AS anon_2, array((SELECT datasets.id
FROM datasets JOIN libraries ON libraries.id = datasets.library_id
WHERE (libraries.visibility = %(visibility_1)s::VARCHAR OR libraries.id IN (SELECT library_members.library_id
FROM library_members
WHERE library_members.account_id = %(account_id)s::BIGINT)) AND (datasets.redaction IS NULL OR
(datasets.redaction[%(redaction_1)s::TEXT] ? (SELECT library_members.role
FROM library_members
WHERE library_members.library_id = datasets.library_id AND library_members.account_id = %(account_id)s::BIGINT)))
 LIMIT %(param_1)s::INTEGER)) AS array_2, (SELECT min(search_entries.item_id) AS min_2
FROM search_entries) AS anon_3, (SELECT max(search_entries.item_id) AS max_2
FROM search_entries) AS anon_4, set_config('plan_cache_mode', 'force_custom_plan', true) || set_config('enable_seqscan',
'off', true) || set_config('max_parallel_workers_per_gather', '0', true) || set_config('work_mem', '16MB', true) ||
set_config('hnsw.ef_search', '100', true) || set_config('hnsw.iterative_scan', 'relaxed_order', true) ||
set_config('hnsw.max_scan_tuples', '5000', true)
;
--   account_id = 1
--   param_1 = 101
--   redaction_1 = original_roles
--   visibility_1 = public

SELECT items.id
FROM items
WHERE items.status = %(status_1)s::VARCHAR AND items.dataset_id = ANY (array((SELECT datasets.id
FROM datasets JOIN libraries ON libraries.id = datasets.library_id
WHERE (libraries.visibility = %(visibility_1)s::VARCHAR OR libraries.id IN (SELECT library_members.library_id
FROM library_members
WHERE library_members.account_id = %(account_id)s::BIGINT)) AND (datasets.redaction IS NULL OR
(datasets.redaction[%(redaction_1)s::TEXT] ? (SELECT library_members.role
FROM library_members
WHERE library_members.library_id = datasets.library_id AND library_members.account_id = %(account_id)s::BIGINT))) AND
libraries.slug = ANY (%(libraries)s::TEXT[])))) AND items.dataset_id = ANY (%(datasets)s::BIGINT[]) AND items.id = ANY
(%(items)s::BIGINT[]) AND items.source_type = ANY (%(source_types)s::TEXT[]) AND items.language = ANY
(%(languages)s::TEXT[]) AND coalesce(items.publish_date, items.published_at) >= %(published_from)s::TIMESTAMP WITH TIME
ZONE AND coalesce(items.publish_date, items.published_at) < %(published_before)s::TIMESTAMP WITH TIME ZONE
 LIMIT %(at_most)s::INTEGER
;
--   account_id = 1
--   at_most = 101
--   datasets = [1]
--   doubtful = False
--   entities = ['ada']
--   entity_ids = [1]
--   items = [1]
--   languages = ['en']
--   libraries = ['library-1']
--   min_confidence = 0.5
--   published_before = 2026-02-01 00:00:00+00:00
--   published_from = 2026-01-01 00:00:00+00:00
--   redaction_1 = original_roles
--   source_types = ['upload']
--   speaker_ids = [1]
--   speakers = ['anna']
--   status_1 = published
--   visibility_1 = public

SELECT word, (ts_lexize(CAST(%(dictionary)s AS regdictionary), word))[1] FROM unnest(CAST(%(words)s AS text[])) AS word
;
--   dictionary = english_stem
--   words = ['red']

SELECT lexeme, frequency FROM pg_stats, LATERAL unnest(CAST(CAST(most_common_elems AS text) AS text[]),
most_common_elem_freqs) AS common(lexeme, frequency) WHERE schemaname = current_schema() AND tablename =
'search_entries' AND attname = 'vector' AND lexeme IS NOT NULL
;

SELECT reltuples FROM pg_class WHERE oid = 'search_entries'::regclass
;

SELECT DISTINCT item_speakers.label
FROM item_speakers
WHERE item_speakers.speaker_id IN (SELECT speakers.id
FROM speakers
WHERE lower(speakers.name) IN (%(lower_1_1)s::VARCHAR))
;
--   lower_1_1 = anna

WITH matched AS
(SELECT entry.item_id AS item_id, entry.segment_id AS segment_id, entry.position AS position, %(param_1)s + %(weight_0)s
* ts_rank(CAST('{1.0,0.0,1.0,1.0}' AS real[]), entry.vector, CAST(%(term_0)s::VARCHAR AS TSQUERY)) AS score,
item.published_at AS published_at
FROM (SELECT search_entries.id AS id, search_entries.item_id AS item_id, search_entries.transcript_id AS transcript_id,
search_entries.segment_id AS segment_id, search_entries.position AS position, search_entries.schema_version AS
schema_version, search_entries.vector AS vector
FROM search_entries
WHERE (search_entries.vector @@ CAST(%(tsquery)s::VARCHAR AS TSQUERY)) AND (search_entries.vector @@
CAST(%(marks_0)s::VARCHAR AS TSQUERY)) AND (search_entries.vector @@ CAST(%(marks_1)s::VARCHAR AS TSQUERY)) ORDER BY
search_entries.item_id DESC, search_entries.position
 LIMIT ALL OFFSET 0) AS entry JOIN LATERAL (SELECT coalesce(items.publish_date, items.published_at) AS published_at
FROM items
WHERE items.id = entry.item_id AND (entry.transcript_id IS NULL OR entry.transcript_id = items.transcript_id) AND
items.status = %(status_1)s::VARCHAR AND items.dataset_id = ANY (array((SELECT datasets.id
FROM datasets JOIN libraries ON libraries.id = datasets.library_id
WHERE (libraries.visibility = %(visibility_1)s::VARCHAR OR libraries.id IN (SELECT library_members.library_id
FROM library_members
WHERE library_members.account_id = %(account_id)s::BIGINT)) AND (datasets.redaction IS NULL OR
(datasets.redaction[%(redaction_1)s::TEXT] ? (SELECT library_members.role
FROM library_members
WHERE library_members.library_id = datasets.library_id AND library_members.account_id = %(account_id)s::BIGINT))) AND
libraries.slug = ANY (%(libraries)s::TEXT[])))) AND items.dataset_id = ANY (%(datasets)s::BIGINT[]) AND items.id = ANY
(%(items)s::BIGINT[]) AND items.source_type = ANY (%(source_types)s::TEXT[]) AND items.language = ANY
(%(languages)s::TEXT[]) AND coalesce(items.publish_date, items.published_at) >= %(published_from)s::TIMESTAMP WITH TIME
ZONE AND coalesce(items.publish_date, items.published_at) < %(published_before)s::TIMESTAMP WITH TIME ZONE
 LIMIT ALL OFFSET 0) AS item ON true JOIN segments ON segments.id = entry.segment_id
WHERE (lower(segments.speaker) = ANY (%(speakers)s::TEXT[]) OR (segments.transcript_id, segments.speaker) IN (SELECT
item_speakers.transcript_id, item_speakers.label
FROM item_speakers JOIN speakers ON speakers.id = item_speakers.speaker_id
WHERE lower(speakers.name) = ANY (%(speakers)s::TEXT[]))) AND (segments.transcript_id, segments.speaker) IN (SELECT
item_speakers.transcript_id, item_speakers.label
FROM item_speakers
WHERE item_speakers.speaker_id = ANY (%(speaker_ids)s::BIGINT[])) AND segments.confidence >= %(min_confidence)s AND
(%(doubtful)s OR segments.quality IS DISTINCT FROM %(quality_1)s::VARCHAR) AND segments.id IN (SELECT
mentions.segment_id
FROM mentions JOIN entities ON entities.id = mentions.entity_id LEFT OUTER JOIN subjects ON subjects.id =
entities.subject_id
WHERE lower(entities.name) = ANY (%(entities)s::TEXT[]) OR lower(subjects.name) = ANY (%(entities)s::TEXT[])) AND
segments.id IN (SELECT mentions.segment_id
FROM mentions JOIN entities ON entities.id = mentions.entity_id
WHERE entities.id = ANY (%(entity_ids)s::BIGINT[]))
 LIMIT %(among)s::INTEGER)
 SELECT matched.item_id, matched.segment_id, matched.position, matched.score, matched.published_at, count(*) OVER () AS
total, min(matched.item_id) OVER () AS farthest
FROM matched ORDER BY matched.score DESC, matched.item_id DESC, matched.position
 LIMIT %(limit)s::INTEGER
;
--   account_id = 1
--   among = 1001
--   datasets = [1]
--   doubtful = False
--   entities = ['ada']
--   entity_ids = [1]
--   items = [1]
--   languages = ['en']
--   libraries = ['library-1']
--   limit = 20
--   marks_0 = '@i1'
--   marks_1 = '@sanna'
--   min_confidence = 0.5
--   param_1 = 0
--   published_before = 2026-02-01 00:00:00+00:00
--   published_from = 2026-01-01 00:00:00+00:00
--   quality_1 = doubtful
--   redaction_1 = original_roles
--   source_types = ['upload']
--   speaker_ids = [1]
--   speakers = ['anna']
--   status_1 = published
--   term_0 = '~red'
--   tsquery = '~red'
--   visibility_1 = public
--   weight_0 = 6.90776
