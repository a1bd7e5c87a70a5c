"""A Modbus device without I/O: pymodbus as a server reads our questions and writes the answers."""

from dataclasses import dataclass, field

from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsResponse, ReadDiscreteInputsResponse
from pymodbus.pdu.register_message import ReadHoldingRegistersResponse, ReadInputRegistersResponse

from cityloop.sense.stream.protocols.modbus.channels import Table, channel_of

_framer = FramerSocket(DecodePDU(is_server=True))
_RESPONSES = {
    1: (Table.COIL, ReadCoilsResponse),
    2: (Table.DISCRETE, ReadDiscreteInputsResponse),
    3: (Table.HOLDING, ReadHoldingRegistersResponse),
    4: (Table.INPUT, ReadInputRegistersResponse),
}
ILLEGAL_ADDRESS = 2


@dataclass
class Device:
    """Cells by table and address; what is not there is refused as an illegal address."""

    cells: dict[tuple[Table, int], int] = field(default_factory=dict)
    asked: list[tuple[int, int, int, int]] = field(default_factory=list)

    def hold(self, name: str, number: float) -> None:
        channel = channel_of(name)
        for place, cell in enumerate(channel.cells(number)):
            self.cells[channel.table, channel.address + place] = cell

    def answer(self, question: bytes) -> bytes:
        """Return the answers to the questions in some bytes."""
        answers = b""
        while question:
            used, request = _framer.handleFrame(question, 0, 0)
            assert request is not None, question
            question = question[used:]
            answers += bytes(_framer.buildFrame(self._answer(request)))
        return answers

    def _answer(self, request: ModbusPDU) -> ModbusPDU:
        table, response = _RESPONSES[request.function_code]
        self.asked.append((request.dev_id, request.function_code, request.address, request.count))
        numbers = {"dev_id": request.dev_id, "transaction_id": request.transaction_id}
        places = [(table, request.address + n) for n in range(request.count)]
        if any(place not in self.cells for place in places):
            refused = ExceptionResponse(request.function_code, ILLEGAL_ADDRESS, request.dev_id)
            refused.transaction_id = request.transaction_id
            return refused
        cells = [self.cells[place] for place in places]
        if table.holds_bits:
            return response(bits=[bool(cell) for cell in cells], **numbers)
        return response(registers=cells, **numbers)
