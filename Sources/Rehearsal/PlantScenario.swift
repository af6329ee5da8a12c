// SPDX-License-Identifier: Apache-2.0

/// A small water plant as Penstock would see it: an attack on its controller, and hours in which nothing is wrong.
///
/// The controller (172.21.0.10, Modbus/TCP) keeps the level of a tank. The panel (172.22.0.10) polls it each second, the
/// engineering station (172.23.0.4) sets it up, a gateway (172.20.0.1) filters between the zones, and the attacker
/// (172.24.0.10) sits in the office network. Bytes only: nothing here opens a file or a socket. The same start and
/// seed give the same bytes.
public struct PlantScenario: Sendable {
    /// Nanoseconds since the epoch at which each recording begins.
    public let start: Int64
    /// What ports, sequence numbers and waits are drawn from.
    public let seed: UInt64

    /// A plant whose recordings begin at `start`.
    public init(start: Int64, seed: UInt64 = 502) {
        self.start = start
        self.seed = seed
    }

    /// The attack, some 45 seconds: see ``AttackScript``.
    public var attack: Recording { AttackScript(start: start, seed: seed).play() }

    /// The hour that begins `hour` hours after the start; no rule may fire on it.
    public func normal(hour: Int = 0) -> Recording {
        NormalScript(start: start + Int64(hour) * 3_600_000_000_000, seed: seed &+ UInt64(bitPattern: Int64(hour)))
            .play()
    }
}
