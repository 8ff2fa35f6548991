cdef class Callbacks:
    cdef object _handler
    cdef object _on_control
    cdef object _on_info
    cdef object _on_terminate
    cdef object _wrap
    cdef public bint pushes_infos
    cdef public bint pushes_whole
    cdef public object on_binary
    cdef public object on_text

    cdef _find_callbacks(self, handler, wrap)
    cpdef own_callback(self, name)
    cpdef callback_for(self, kind, value)
    cpdef qualified_name(self, callback)
    cpdef seen_by_wrappers(self, stop, place)
    cpdef release_handler(self)
