;; As busy-recursion, but for a request for nothing, which it answers at once: whoever loads it does not wait for the engine to give up.
;; Host: SBX_DEADLINE by ending the thread.
(module
  (memory (export "memory") 2)
  (func $fibonacci (param $n i32) (result i32)
    (if (result i32) (i32.lt_u (local.get $n) (i32.const 2))
      (then (local.get $n))
      (else
        (i32.add
          (call $fibonacci (i32.sub (local.get $n) (i32.const 1)))
          (call $fibonacci (i32.sub (local.get $n) (i32.const 2)))))))
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    i32.const 65536)
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (local $at i32)
    (local.set $at (i32.const 65536))
    (block $none
      (loop $next
        (br_if $none (i32.ge_u (local.get $at) (i32.add (i32.const 65536) (local.get $len))))
        ;; "rehearsa", of the id of that request
        (if (i64.eq (i64.load align=1 (local.get $at)) (i64.const 0x6173726165686572))
          (then (return (i64.const 0))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (i64.extend_i32_u (call $fibonacci (i32.const 90)))))
