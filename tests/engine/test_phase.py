"""The phases in their order: the table of the life cycle leads from one only to later ones."""

from sock.engine import Phase


def test_a_connection_goes_through_its_phases_in_their_order(new_connection, gate):
    async def wait(argument):
        await gate

    c = new_connection(handle_in=wait, terminate=wait)
    phases = [c.life.phase]

    def then(happens, *arguments):
        happens(*arguments)
        phases.append(c.life.phase)

    then(c.open)
    c.receive("hangs")
    then(c.life.shutdown, 30)
    then(c.alarm)
    then(c.alarm)
    then(c.alarm)
    assert phases == list(Phase)
