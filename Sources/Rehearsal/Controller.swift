// SPDX-License-Identifier: Apache-2.0

/// The controller of one water tank: its registers, the process behind them, and its Modbus server.
struct Controller {
    /// Holding registers that the story needs.
    enum Register {
        /// Inlet valve, 1 open.
        static let inlet = 0
        /// Outlet valve, 1 open.
        static let outlet = 1
        /// Speed of the outlet pump in percent.
        static let pump = 2
        /// Level at which the panel raises its alarm.
        static let alarm = 3
        /// 1: the panel keeps the level by itself.
        static let automatic = 4
        /// Level of the tank in percent.
        static let level = 5
        static let inflow = 6
        static let outflow = 7
        static let temperature = 8
        static let heartbeat = 9
    }

    private(set) var registers = [UInt16](repeating: 0, count: 16)
    private(set) var coils = [Bool](repeating: false, count: 8)
    private var level: Double
    private var clock: Int64

    init(level: Double, inlet: Bool, at time: Int64) {
        self.level = level
        self.clock = time
        registers[Register.inlet] = inlet ? 1 : 0
        registers[Register.outlet] = 1
        registers[Register.pump] = 70
        registers[Register.alarm] = 90
        registers[Register.automatic] = 1
        registers[Register.temperature] = 184
        coils = [true, true, false, false, true, false, false, false]
        advance(to: time)
    }

    /// Lets the process run: an open inlet brings 0.5 % a second, the pump takes that much away at full speed.
    mutating func advance(to time: Int64) {
        let seconds = Double(max(0, time - clock)) / 1e9
        clock = max(clock, time)
        let inflow = registers[Register.inlet] == 1 ? 0.5 : 0
        let outflow = registers[Register.outlet] == 1 ? 0.5 * Double(min(registers[Register.pump], 100)) / 100 : 0
        level = min(100, max(0, level + (inflow - outflow) * seconds))
        registers[Register.level] = UInt16(level)
        registers[Register.inflow] = UInt16(inflow * 1_000)
        registers[Register.outflow] = UInt16(outflow * 1_000)
        registers[Register.heartbeat] = UInt16(truncatingIfNeeded: time / 1_000_000_000)
    }

    /// The answer to a request: its response, or an exception (section 7) where a small controller gives one.
    mutating func answer(_ request: [UInt8]) -> [UInt8] {
        func word(_ place: Int) -> Int {
            place + 1 < request.count ? Int(request[place]) << 8 | Int(request[place + 1]) : 0
        }
        guard let function = request.first else { return [] }
        let illegalAddress: [UInt8] = [function | 0x80, 2]
        let address = word(1)
        switch function {
        case 1, 3, 23:
            if function == 23 {
                guard address + word(3) <= registers.count, word(5) + word(7) <= registers.count else {
                    return illegalAddress
                }
                for index in 0..<word(7) { registers[word(5) + index] = UInt16(word(10 + 2 * index)) }
            }
            return read(function, address, word(3)) ?? illegalAddress
        case 5:
            guard address < coils.count else { return illegalAddress }
            coils[address] = word(3) == 0xFF00
            return request
        case 6:
            guard address < registers.count else { return illegalAddress }
            registers[address] = UInt16(word(3))
            return request
        case 15:
            guard address + word(3) <= coils.count, request.count > 6 else { return illegalAddress }
            for index in 0..<word(3) { coils[address + index] = request[6] >> UInt8(index) & 1 == 1 }
            return Array(request.prefix(5))
        case 16:
            guard address + word(3) <= registers.count else { return illegalAddress }
            for index in 0..<word(3) { registers[address + index] = UInt16(word(6 + 2 * index)) }
            return Array(request.prefix(5))
        case 22:
            guard address < registers.count else { return illegalAddress }
            registers[address] = registers[address] & UInt16(word(3)) | UInt16(word(5)) & ~UInt16(word(3))
            return request
        default: return [function | 0x80, 1]  // illegal function
        }
    }

    private func read(_ function: UInt8, _ address: Int, _ quantity: Int) -> [UInt8]? {
        if function == 1 {
            guard quantity > 0, address + quantity <= coils.count else { return nil }
            let bits = coils[address..<address + quantity].enumerated().reduce(UInt8(0)) {
                $0 | ($1.element ? 1 << UInt8($1.offset) : 0)
            }
            return [1, 1, bits]
        }
        guard quantity > 0, address + quantity <= registers.count else { return nil }
        return registers[address..<address + quantity].reduce(into: [function, UInt8(quantity * 2)]) {
            Frame.append($1, to: &$0)
        }
    }
}
