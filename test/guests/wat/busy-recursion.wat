;; Computes a Fibonacci number by recursion, for ages: never deep, and without any loop.
;; Host: SBX_DEADLINE by ending the thread, because there is no loop in which the guest could be stopped.
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
    (i64.extend_i32_u (call $fibonacci (i32.const 90)))))
