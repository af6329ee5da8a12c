// SPDX-License-Identifier: Apache-2.0
public import Instruments
public import Logging
internal import Transport

/// All syslog listeners of the service: what their lanes share, and one receiver a lane.
public struct SyslogInput: Sendable {
    /// The listeners, in the order of the configuration.
    public let listeners: [Listener]
    /// The receivers, one a lane; each has a socket of its own on every listener's port (SO_REUSEPORT).
    public let receivers: [SyslogReceiver]

    /// Opens all listeners, for `lanes` lanes.
    ///
    /// - Throws: everything that is wrong, before anything runs; then nothing stays open.
    public static func open(
        _ configurations: [ListenerConfiguration], lanes: Int = 1, limits: ReceiveLimits = ReceiveLimits(),
        registry: Registry, logger: Logger
    ) throws(ListenerErrors) -> SyslogInput {
        let wrong = ListenerConfiguration.complaints(about: configurations)
        guard wrong.isEmpty else { throw ListenerErrors(wrong) }
        var complaints: [String] = []
        var listeners: [Listener] = []
        for (number, configuration) in configurations.enumerated() {
            do {
                let address = try SocketAddress(configuration.address)
                let free = try PortProbe.free(address, stream: configuration.transport.isStream)
                listeners.append(
                    Listener(
                        configuration, number: UInt16(number), address: free,
                        contexts: try Listener.contexts(of: configuration), registry: registry))
            } catch let error as ListenerErrors {
                complaints += error.complaints
            } catch {
                complaints.append("\(Listener.title(configuration)): \(error)")
            }
        }
        guard complaints.isEmpty else { throw ListenerErrors(complaints) }
        let lanes = max(lanes, 1)
        let spreader = Spreader(lanes: lanes, registry: registry)
        var receivers: [SyslogReceiver] = []
        for lane in 0..<lanes {
            receivers.append(
                try SyslogReceiver(
                    listeners, lane: lane, shared: lanes > 1, spreader: spreader, limits: limits, registry: registry,
                    logger: logger))
        }
        let seconds = Clocks().received / 1_000_000_000
        for listener in listeners { listener.announce(lanes: lanes, logger, time: seconds) }
        return SyslogInput(listeners: listeners, receivers: receivers)
    }

    /// Reads all certificates anew, for the connections to come; none is dropped.
    ///
    /// - Throws: what is wrong; a listener with a complaint keeps its old certificate, the others have their new one.
    public func reloadCertificates() throws(ListenerErrors) {
        var complaints: [String] = []
        for listener in listeners {
            do { try listener.reloadCertificate() } catch { complaints += error.complaints }
        }
        guard complaints.isEmpty else { throw ListenerErrors(complaints) }
    }
}
