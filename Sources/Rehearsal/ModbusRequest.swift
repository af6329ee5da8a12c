// SPDX-License-Identifier: Apache-2.0

/// Requests of the Modbus application protocol (V1.1b3, section 6), without the MBAP header.
enum ModbusRequest {
    /// FC 1, read coils.
    static func readCoils(_ address: UInt16, _ quantity: UInt16) -> [UInt8] { pdu(1, address, quantity) }
    /// FC 3, read holding registers.
    static func readHolding(_ address: UInt16, _ quantity: UInt16) -> [UInt8] { pdu(3, address, quantity) }
    /// FC 4, read input registers.
    static func readInput(_ address: UInt16, _ quantity: UInt16) -> [UInt8] { pdu(4, address, quantity) }
    /// FC 5, write single coil.
    static func writeCoil(_ address: UInt16, _ on: Bool) -> [UInt8] { pdu(5, address, on ? 0xFF00 : 0) }
    /// FC 6, write single register.
    static func writeRegister(_ address: UInt16, _ value: UInt16) -> [UInt8] { pdu(6, address, value) }
    /// FC 15, write multiple coils; `bits` holds the first coil in its lowest bit.
    static func writeCoils(_ address: UInt16, _ quantity: UInt16, bits: UInt8) -> [UInt8] {
        pdu(15, address, quantity) + [1, bits]
    }
    /// FC 16, write multiple registers.
    static func writeRegisters(_ address: UInt16, _ values: [UInt16]) -> [UInt8] {
        values.reduce(into: pdu(16, address, UInt16(values.count)) + [UInt8(values.count * 2)]) {
            Frame.append($1, to: &$0)
        }
    }
    /// FC 22, mask write register.
    static func maskWrite(_ address: UInt16, and: UInt16, or: UInt16) -> [UInt8] {
        var bytes = pdu(22, address, and)
        Frame.append(or, to: &bytes)
        return bytes
    }
    /// FC 23, read and write multiple registers.
    static func readWrite(
        read: UInt16, _ quantity: UInt16, write: UInt16, _ values: [UInt16]
    ) -> [UInt8] {
        var bytes = pdu(23, read, quantity)
        Frame.append(write, to: &bytes)
        Frame.append(UInt16(values.count), to: &bytes)
        bytes.append(UInt8(values.count * 2))
        for value in values { Frame.append(value, to: &bytes) }
        return bytes
    }
    /// FC 17, report server ID.
    static let reportServerID: [UInt8] = [17]
    /// FC 7, read exception status.
    static let readExceptionStatus: [UInt8] = [7]
    /// FC 43/14, read device identification, basic.
    static let readDeviceIdentification: [UInt8] = [43, 14, 1, 0]

    /// `pdu` behind its MBAP header (Modbus Messaging on TCP/IP V1.0b, section 3.1.3).
    static func framed(_ pdu: [UInt8], transaction: UInt16, unit: UInt8 = 1) -> [UInt8] {
        var bytes: [UInt8] = []
        Frame.append(transaction, to: &bytes)
        bytes += [0, 0]
        Frame.append(UInt16(pdu.count + 1), to: &bytes)
        bytes.append(unit)
        return bytes + pdu
    }

    private static func pdu(_ function: UInt8, _ first: UInt16, _ second: UInt16) -> [UInt8] {
        var bytes = [function]
        Frame.append(first, to: &bytes)
        Frame.append(second, to: &bytes)
        return bytes
    }
}
