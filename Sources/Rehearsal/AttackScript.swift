// SPDX-License-Identifier: Apache-2.0

/// The attack, second by second.
///
/// | second | what happens | who sees it |
/// |---|---|---|
/// | 0 | the panel polls, as it has for months (no handshake in the capture) | wire |
/// | 2 – 6 | the attacker probes the control and supervisory zones; all is dropped | gateway, office firewall |
/// | 7 – 10 | guesses passwords on the engineering station, gets in | sshd |
/// | 11 | gets through on a forgotten maintenance rule | gateway |
/// | 11 – 18 | scans the controller for functions and addresses: ten exceptions, one a refused write | wire, Suricata |
/// | 20 – 25 | writes with each write function; all are accepted: automatic off, pump off, outlet shut | wire, Suricata, Malcolm |
/// | 25 – 35 | the tank fills above 90 %; the operator shuts the inlet | wire |
/// | 40 | opens the inlet again: the tank will overflow | wire, Suricata |
struct AttackScript {
    private enum Step {
        case poll
        case scan([UInt8])
        case write([UInt8])
        case writeInTwoSegments([UInt8], Int)
        case writeBehindRead([UInt8])
        case connect
        case disconnect
        case resolve
    }

    let start: Int64
    let seed: UInt64

    func play() -> Recording {
        let messages = logs()
        return Recording(messages: messages, capture: wire(), start: start)
    }

    private func seconds(_ value: Double) -> Int64 { Int64(value * 1e3) * 1_000_000 }

    // MARK: the wire

    /// Requests that a controller of this size refuses, as a scanner sends them.
    private static let probes: [[UInt8]] = [
        ModbusRequest.readDeviceIdentification, ModbusRequest.reportServerID, ModbusRequest.readExceptionStatus,
        ModbusRequest.readInput(0, 8), ModbusRequest.readHolding(100, 10), ModbusRequest.readHolding(0, 10),
        ModbusRequest.readHolding(1_000, 10), ModbusRequest.readHolding(4_000, 10),
        ModbusRequest.readHolding(40_000, 10), ModbusRequest.readCoils(512, 16),
        ModbusRequest.writeRegister(200, 1),
    ]

    private func steps() -> [(Int64, Step)] {
        var steps: [(Int64, Step)] = (0..<45).map { (seconds(Double($0) + 0.05), Step.poll) }
        steps.append((seconds(1.2), .resolve))
        steps.append((seconds(11), .connect))
        for (index, probe) in AttackScript.probes.enumerated() {
            steps.append((seconds(11.5 + 0.6 * Double(index)), .scan(probe)))
        }
        steps.append((seconds(18.6), .disconnect))
        steps.append((seconds(19.8), .connect))
        // Automatic off (mask write: only its bit), so that the panel no longer keeps the level.
        steps.append((seconds(20.3), .write(ModbusRequest.maskWrite(4, and: 0xFFFE, or: 0))))
        steps.append((seconds(21.1), .write(ModbusRequest.writeCoil(1, false))))
        steps.append((seconds(21.9), .write(ModbusRequest.writeRegister(2, 0))))
        steps.append((seconds(22.7), .write(ModbusRequest.writeCoils(2, 4, bits: 0b0000))))
        // The pump off and the alarm limit out of the way, cut in the middle of the register values.
        steps.append((seconds(23.5), .writeInTwoSegments(ModbusRequest.writeRegisters(2, [0, 100]), 14)))
        steps.append((seconds(24.6), .writeBehindRead(ModbusRequest.readWrite(read: 0, 10, write: 1, [0]))))
        steps.append((seconds(40.2), .write(ModbusRequest.writeRegister(0, 1))))
        steps.append((seconds(43.1), .disconnect))
        return steps.sorted { $0.0 < $1.0 }
    }

    private func wire() -> [Packet] {
        var tap = Wiretap(
            controller: Controller(level: 82.5, inlet: true, at: start), random: SeededGenerator(seed ^ 0xA77A_C4))
        var panel = tap.joined(.hmi)
        var attacker: Conversation?
        var shut = false
        for (offset, step) in steps() {
            let time = start + offset
            switch step {
            case .poll:
                tap.ask(&panel, [ModbusRequest.readHolding(0, 10)], at: time)
                // The operator reacts to what the panel shows.
                if !shut, tap.register(Controller.Register.level, at: time + 20_000_000) > 90 {
                    shut = true
                    tap.ask(&panel, [ModbusRequest.writeRegister(0, 0)], at: time + 500_000_000)
                }
            case .scan(let request), .write(let request):
                if var conversation = attacker {
                    tap.ask(&conversation, [request], at: time)
                    attacker = conversation
                }
            case .writeInTwoSegments(let request, let cut):
                if var conversation = attacker {
                    tap.ask(&conversation, request, cutAfter: cut, at: time)
                    attacker = conversation
                }
            case .writeBehindRead(let request):
                if var conversation = attacker {
                    tap.ask(&conversation, [ModbusRequest.readHolding(0, 4), request], at: time)
                    attacker = conversation
                }
            case .connect: attacker = tap.connect(.attacker, at: time)
            case .disconnect:
                if var conversation = attacker { tap.disconnect(&conversation, at: time) }
                attacker = nil
            case .resolve: tap.resolve(at: time)
            }
        }
        return tap.packets
    }

    // MARK: the logs

    private func logs() -> [Scripted] {
        var book = Logbook(start: start, random: SeededGenerator(seed ^ 0x1065))
        drops(&book)
        logins(&book)
        alerts(&book)
        return book.messages
    }

    private func drops(_ book: inout Logbook) {
        let ports: [UInt16] = [22, 80, 102, 443, 502, 2_404, 20_000, 44_818]
        for (index, port) in ports.enumerated() {
            book.filtered(
                at: seconds(2 + 0.4 * Double(index)),
                .init(prefix: "FW-DROP", source: .attacker, destination: .plc, port: port),
                index % 2 == 0 ? .rfc3164(.udp) : .rfc5424(.tls))
        }
        book.filtered(
            at: seconds(5.4), .init(prefix: "FW-DROP", source: .attacker, destination: .hmi, port: 3_389),
            .rfc5424(.tls))
        book.filtered(
            at: seconds(5.8), .init(prefix: "FW-DROP", source: .attacker, destination: .hmi, port: 102),
            .rfc3164(.udp))
        book.denied(at: seconds(6.1), from: .attacker, to: .plc, port: 502)
        // The way in: a maintenance rule that nobody took back.
        for second in [11, 19.8] {
            book.filtered(
                at: seconds(second), .init(prefix: "FW-ACCEPT-MAINT", source: .attacker, destination: .plc, port: 502),
                .rfc5424(.tls))
        }
    }

    private func logins(_ book: inout Logbook) {
        for (index, user) in ["invalid user admin", "invalid user plc", "root", "engineer"].enumerated() {
            let port = book.port()
            book.sshd(
                at: seconds(7 + 0.7 * Double(index)), host: .engineering, process: 2_211 + index,
                "Failed password for \(user) from \(Host.attacker.address) port \(port) ssh2")
        }
        let port = book.port()
        book.sshd(
            at: seconds(10), host: .engineering, process: 2_215,
            "Accepted password for engineer from \(Host.attacker.address) port \(port) ssh2", .rfc5424(.tls))
    }

    private func alerts(_ book: inout Logbook) {
        func talk(_ port: UInt16) -> Logbook.Talk {
            .init(source: .attacker, port: port, destination: .plc, destinationPort: 502, application: "modbus")
        }
        let scan = Logbook.Signature(
            id: 1_000_501, text: "PLANT Modbus exceptions at a high rate",
            category: "Detection of a Network Scan", severity: 2)
        let write = Logbook.Signature(
            id: 1_000_502, text: "PLANT Modbus write from outside the control zone",
            category: "Attempted Administrator Privilege Gain", severity: 1)
        let probing = book.port()
        let writing = book.port()
        book.alert(at: seconds(15.2), talk(probing), scan)
        book.alert(
            at: seconds(21.2), talk(writing), write, extra: #","tx_id":2,"metadata":{"flowbits":["modbus.write"]}"#)
        book.malcolmAlert(at: seconds(23.6), talk(writing), write)
        book.malcolmDocument(at: seconds(24.7), talk(writing), write)
        book.alert(at: seconds(40.3), talk(writing), write)
    }
}
