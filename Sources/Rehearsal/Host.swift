// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A machine of the plant.
struct Host: Equatable, Sendable {
    let name: String
    let address: IPAddress
    /// The hardware address on its own network.
    let mac: [UInt8]
    /// The gateway's interface towards it.
    let interface: String

    var ip: UInt32 { UInt32(truncatingIfNeeded: address.low) }
    var macText: String { Host.text(mac) }

    static func text(_ mac: [UInt8]) -> String {
        mac.map { byte in
            let digits = String(byte, radix: 16)
            return digits.utf8.count == 1 ? "0" + digits : digits
        }.joined(separator: ":")
    }

    private init(_ name: String, _ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8, interface: String) {
        self.name = name
        let octets = [a, b, c, d]
        self.address = IPAddress(v4: octets.reduce(0) { $0 << 8 | UInt32($1) })
        // Locally administered addresses that spell the IP address, as container networks make them.
        self.mac = [0x02, 0x42] + octets
        self.interface = interface
    }

    /// The office machine that the attack comes from (Purdue level 4).
    static let attacker = Host("it-laptop", 172, 24, 0, 10, interface: "eth3")
    /// An office machine that reads the historian.
    static let office = Host("it-reports", 172, 24, 0, 21, interface: "eth3")
    /// The engineering station (level 3).
    static let engineering = Host("eng-station", 172, 23, 0, 4, interface: "eth2")
    /// The engineer's notebook, in the engineering station's network.
    static let notebook = Host("eng-notebook", 172, 23, 0, 15, interface: "eth2")
    /// The operator panel (level 2).
    static let hmi = Host("hmi", 172, 22, 0, 10, interface: "eth1")
    /// The controller (level 1).
    static let plc = Host("plc", 172, 21, 0, 10, interface: "eth0")
    /// The firewall between all of them.
    static let gateway = Host("gateway", 172, 20, 0, 1, interface: "eth4")

    /// The gateway's legs: what the hosts of each network see of it.
    static let gatewayControl = Host("gateway", 172, 21, 0, 1, interface: "eth0")
    static let gatewaySupervisory = Host("gateway", 172, 22, 0, 1, interface: "eth1")
    static let gatewayOperations = Host("gateway", 172, 23, 0, 1, interface: "eth2")
    static let gatewayOffice = Host("gateway", 172, 24, 0, 1, interface: "eth3")

    /// The gateway's leg in this host's network.
    var gatewayLeg: Host {
        switch interface {
        case "eth0": .gatewayControl
        case "eth1": .gatewaySupervisory
        case "eth2": .gatewayOperations
        default: .gatewayOffice
        }
    }
}
