;; A valid module that is no guest: it exports a memory and nothing to call.
;; Host: SBX_EXPORTS_MISSING.
(module
  (memory (export "memory") 2))
