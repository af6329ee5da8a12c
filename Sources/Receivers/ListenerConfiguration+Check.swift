// SPDX-License-Identifier: Apache-2.0
internal import Transport
internal import Wire

extension ListenerConfiguration {
    /// Everything that is wrong with `configurations`, found without opening a port: names, addresses, limits, files.
    public static func complaints(about configurations: [ListenerConfiguration]) -> [String] {
        var complaints: [String] = []
        var names: Set<String> = []
        var addresses: [String: String] = [:]
        if configurations.count > Int(UInt16.max) {
            complaints.append("\(configurations.count) listeners are more than 65535")
        }
        for configuration in configurations {
            let title = Listener.title(configuration)
            if configuration.name.isEmpty { complaints.append("\(title): a listener needs a name") }
            if !names.insert(configuration.name).inserted {
                complaints.append("\(title): another listener has that name; each needs its own")
            }
            complaints += configuration.limitComplaints.map { "\(title): \($0)" }
            do {
                let address = try SocketAddress(configuration.address)
                let place = "\(configuration.transport.isStream ? "tcp" : "udp") \(address)"
                if address.port != 0, let other = addresses.updateValue(configuration.name, forKey: place) {
                    complaints.append("\(title): listener `\(other)` has that address already")
                }
            } catch {
                complaints.append("\(title): address \(error)")
            }
            do { _ = try Listener.contexts(of: configuration) } catch { complaints += error.complaints }
        }
        return complaints
    }

    private var limitComplaints: [String] {
        var complaints: [String] = []
        func require(_ name: String, _ value: Int, _ range: ClosedRange<Int>) {
            if !range.contains(value) {
                complaints.append("\(name) is \(value); it goes from \(range.lowerBound) to \(range.upperBound)")
            }
        }
        require("maxMessageBytes", maxMessageBytes, 480...16 << 20)
        require("maxConnections", maxConnections, 0...1 << 24)
        require("maxConnectionsPerPeer", maxConnectionsPerPeer, 0...1 << 24)
        require("idleTimeout", idleTimeout, 0...31_536_000)
        require("handshakeTimeout", handshakeTimeout, 0...3600)
        require("receiveBuffer", receiveBuffer, 0...1 << 30)
        if tls != nil, transport == .udp || transport == .tcp {
            complaints.append("has TLS files, but its transport is \(transport.rawValue)")
        }
        if !proxies.isEmpty, !transport.isStream {
            complaints.append("proxies are for streams; its transport is \(transport.rawValue)")
        }
        for proxy in proxies where IPNetwork(proxy) == nil {
            complaints.append("'\(proxy)' in proxies is no address or network")
        }
        if !groups.isEmpty, transport != .udp {
            complaints.append("groups are for udp; its transport is \(transport.rawValue)")
        }
        for group in groups where IPAddress(group) == nil {
            complaints.append("'\(group)' in groups is no address")
        }
        return complaints
    }
}
