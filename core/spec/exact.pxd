cpdef exact_text(text)

cpdef exact_bytes(data)

cpdef exact_content(content)

cpdef exact_int(number)
