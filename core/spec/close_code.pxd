cpdef may_travel(code)

cpdef shortened_detail(detail)
