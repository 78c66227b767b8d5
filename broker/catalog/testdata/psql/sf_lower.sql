SELECT 'lower'::pg_catalog.regproc::pg_catalog.oid
----
