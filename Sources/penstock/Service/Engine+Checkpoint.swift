// SPDX-License-Identifier: Apache-2.0
internal import Delivery
internal import Glibc
internal import Logging

extension Engine {
    /// The record of how far a feed has come, in the folder of the journal that its positions belong to; nil without one.
    static func checkpoint(_ name: String, _ configuration: Configuration, _ log: Logger) -> FeedCheckpoint? {
        guard configuration.pipeline == .full, configuration.journal != nil else { return nil }
        let folder = configuration.journalDirectory + "/outputs"
        mkdir(folder, 0o750)
        let site = configuration.site
        let made = FeedCheckpoint(folder + "/" + fileName(name)) { Engine.place($0, site) }
        if made == nil {
            log.warning(
                "\(folder): \(String(cString: strerror(errno))); after a crash feed \(name) repeats a second's events")
        }
        return made
    }

    /// The log and the frame of an event's uid, and which of the frame's events it is: site, log, epoch and frame as
    /// `site/0/3-4711`, with the number of a further event behind it (`site/0/3-4711-2`).
    static func place(_ uid: String, _ site: String) -> FeedCheckpoint.Place? {
        guard uid.hasPrefix(site + "/") else { return nil }
        let parts = uid.dropFirst(site.count + 1).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let log = Int(parts[0]) else { return nil }
        let numbers = parts[1].split(separator: "-", omittingEmptySubsequences: false)
        guard 2...3 ~= numbers.count, UInt32(numbers[0]) != nil, let frame = UInt64(numbers[1]) else { return nil }
        guard let part = numbers.count == 2 ? 1 : UInt16(numbers[2]), part > 0 else { return nil }
        return FeedCheckpoint.Place(log: log, frame: frame, part: part)
    }

    /// A feed's name as that of a file: no two names have the same.
    private static func fileName(_ name: String) -> String {
        var file = ""
        for byte in name.utf8 {
            let isPlain = byte < 0x80 && (Character(Unicode.Scalar(byte)).isLetter || (0x30...0x39).contains(byte))
            file += isPlain ? String(Unicode.Scalar(byte)) : "%" + String(byte, radix: 16)
        }
        return file
    }
}
