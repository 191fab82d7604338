-- name:    put_sources
-- asks:    move the cursors of the sources of a commit and add what became of their batches to their accounts
merge into sources
using batch_sources() batch
on sources.source = batch.source
when matched then update set position = batch.position, watermark_us = batch.watermark_us, complete = batch.complete,
    at_us = batch.at_us, runs = sources.runs + batch.runs, received = sources.received + batch.received,
    stored = sources.stored + batch.stored, duplicate = sources.duplicate + batch.duplicate,
    filtered = sources.filtered + batch.filtered, rejected = sources.rejected + batch.rejected,
    conflicts = sources.conflicts + batch.conflicts, marker = batch.marker
when not matched then insert values (batch.source, batch.position, batch.watermark_us, batch.complete, batch.at_us,
    batch.runs, batch.received, batch.stored, batch.duplicate, batch.filtered, batch.rejected, batch.conflicts, batch.marker)
