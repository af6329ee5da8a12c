// SPDX-License-Identifier: Apache-2.0

/// An hour in which the plant does what it should, with the odd harmless thing that a rule must not mistake.
///
/// The panel keeps the level between 70 and 86 % (it opens the inlet well below the limit of 90 %), loses and makes its
/// connection once, the engineer changes set points each quarter of an hour and mistypes an address twice (two
/// exceptions, far fewer than a scan), the gateway accepts what its conduits allow and drops an office broadcast.
struct NormalScript {
    let start: Int64
    let seed: UInt64

    func play() -> Recording {
        let capture = wire()
        return Recording(messages: logs(), capture: capture, start: start)
    }

    private func wire() -> [Packet] {
        var random = SeededGenerator(seed ^ 0x4E0_4A1)
        var tap = Wiretap(
            controller: Controller(level: 78, inlet: true, at: start), random: SeededGenerator(seed ^ 0x91A47))
        var panel = tap.joined(.hmi)
        for second in 0..<3_600 {
            let time = start + Int64(second) * 1_000_000_000 + random.microseconds(1_000, 60_000)
            if second == 1_830 {
                tap.disconnect(&panel, at: time)
                panel = tap.connect(.hmi, at: time + 100_000_000)
            }
            poll(&tap, &panel, second, time)
            if second % 900 == 420 { engineer(&tap, second, time + 600_000_000) }
            if second % 300 == 17 { tap.resolve(at: time + 700_000_000) }
            if second % 64 == 40 { tap.synchronize(at: time + 800_000_000) }
        }
        return tap.packets
    }

    private func poll(_ tap: inout Wiretap, _ panel: inout Conversation, _ second: Int, _ time: Int64) {
        // A slower minute in each ten: the panel's other screen polls every two seconds.
        if second / 60 % 10 == 7, second % 2 == 1 { return }
        let pollAt = second == 1_830 ? time + 200_000_000 : time
        tap.ask(&panel, [ModbusRequest.readHolding(0, 10)], at: pollAt)
        if second % 30 == 11 { tap.ask(&panel, [ModbusRequest.readCoils(0, 8)], at: pollAt + 50_000_000) }
        let level = tap.register(Controller.Register.level, at: pollAt + 100_000_000)
        let open = tap.controller.registers[Controller.Register.inlet] == 1
        if open, level >= 86 {
            tap.ask(&panel, [ModbusRequest.writeRegister(0, 0)], at: pollAt + 200_000_000)
        } else if !open, level <= 70 {
            tap.ask(&panel, [ModbusRequest.writeRegister(0, 1)], at: pollAt + 200_000_000)
        }
    }

    private func engineer(_ tap: inout Wiretap, _ second: Int, _ time: Int64) {
        var session = tap.connect(.engineering, at: time)
        tap.ask(&session, [ModbusRequest.readHolding(0, 10)], at: time + 20_000_000)
        let speed: UInt16 = second % 1_800 == 420 ? 72 : 70
        tap.ask(&session, [ModbusRequest.writeRegisters(2, [speed, 90])], at: time + 80_000_000)
        tap.ask(&session, [ModbusRequest.writeCoil(4, true)], at: time + 120_000_000)
        if second == 1_320 {
            tap.ask(&session, [ModbusRequest.readHolding(16, 4)], at: time + 160_000_000)
            tap.ask(&session, [ModbusRequest.readHolding(15, 4)], at: time + 200_000_000)
        }
        tap.disconnect(&session, at: time + 250_000_000)
    }

    private func logs() -> [Scripted] {
        var book = Logbook(start: start, random: SeededGenerator(seed ^ 0x10_6B00))
        func at(_ second: Int, _ milliseconds: Int64 = 0) -> Int64 {
            Int64(second) * 1_000_000_000 + milliseconds * 1_000_000
        }
        for second in stride(from: 5, to: 3_600, by: 60) {
            book.stats(at: at(second, 310), uptime: 86_400 + second, packets: 900_000 + second * 3)
            book.dns(at: at(second + 7, 20), from: .hmi, name: "historian.plant.example")
        }
        for second in stride(from: 12, to: 3_600, by: 120) {
            let port = book.port()
            book.filtered(
                at: at(second),
                .init(prefix: "FW-ACCEPT", source: .hmi, destination: .gatewaySupervisory, port: 123, udp: true),
                second % 240 == 12 ? .rfc3164(.udp) : .rfc5424(.tls))
            book.flow(
                at: at(second + 9, 450),
                .init(
                    source: .hmi, port: port, destination: .gatewaySupervisory, destinationPort: 123,
                    transport: "UDP", application: "ntp"),
                packets: 1, bytes: 90)
        }
        book.filtered(
            at: at(1_830, 101), .init(prefix: "FW-ACCEPT", source: .hmi, destination: .plc, port: 502), .rfc3164(.udp))
        for second in stride(from: 420, to: 3_600, by: 900) {
            book.filtered(
                at: at(second, 601), .init(prefix: "FW-ACCEPT", source: .engineering, destination: .plc, port: 502),
                .rfc5424(.tls))
            logins(&book, at(second - 60))
        }
        for second in stride(from: 425, to: 3_600, by: 900) {
            let talk = Logbook.Talk(
                source: .engineering, port: book.port(), destination: .plc, destinationPort: 502, application: "modbus")
            book.flow(at: at(second, 200), talk, packets: 12, bytes: 812)
        }
        for second in stride(from: 200, to: 3_600, by: 700) {
            book.filtered(
                at: at(second),
                .init(
                    prefix: "FW-DROP", source: .office, destination: .office, port: 137, udp: true, broadcast: true),
                .rfc3164(.udp))
        }
        return book.messages
    }

    /// The engineer signs in at the engineering station, with one mistyped password before.
    private func logins(_ book: inout Logbook, _ offset: Int64) {
        let process = book.number(1_800...30_000)
        let port = book.port()
        let from = "from \(Host.notebook.address) port \(port) ssh2"
        book.sshd(at: offset, host: .engineering, process: process, "Failed password for engineer \(from)")
        book.sshd(
            at: offset + 6_000_000_000, host: .engineering, process: process, "Accepted password for engineer \(from)",
            .rfc5424(.tls))
        book.sshd(
            at: offset + 6_020_000_000, host: .engineering, process: process,
            "pam_unix(sshd:session): session opened for user engineer(uid=1000) by (uid=0)")
    }
}
