cpdef own_callback(handler, name)
