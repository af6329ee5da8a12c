// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Events

/// The version of OCSF in which events are written.
struct OCSFVersion: Sendable, Equatable, ExpressibleByArgument {
    /// Its number, such as `1.8.0`.
    let number: String

    /// The version of that number, or nil when it is not one of ``all``.
    init?(argument: String) {
        guard OCSFVersion.all.contains(argument) else { return nil }
        number = argument
    }

    /// The version that mappings and rules are written in.
    static let native = OCSFVersion()
    /// The numbers that there are, the usual one first.
    static let all = OCSFDictionary.versions
    static var allValueStrings: [String] { all }

    private init() { number = OCSFDictionary.v1_8_0.version }

    /// Its schema.
    var dictionary: OCSFDictionary { .of(version: number) ?? .v1_8_0 }
    var defaultValueDescription: String { number }
}
