// SPDX-License-Identifier: Apache-2.0
internal import GRDB

/// Why the store could not do what it was asked; the text says what to do about it.
public enum StoreError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The disk, or the size that the configuration allows, is full.
    case full(path: String)
    /// Another process holds the file.
    case busy(path: String)
    /// The file is damaged or is no SQLite database.
    case corrupt(path: String, detail: String)
    /// The file or its folder cannot be opened or written.
    case notWritable(path: String, detail: String)
    /// A newer version of the program made the file.
    case newer(path: String)
    /// Another process changed this incident meanwhile: read it again, and make the change anew.
    case stale(path: String, incident: String)
    /// Anything else that SQLite says, with its extended result code.
    case other(path: String, code: Int32, detail: String)

    init(_ error: any Error, path: String) {
        switch error {
        case StoreError.stale(_, let incident): self = .stale(path: path, incident: incident)
        case let error as StoreError: self = error
        case let error as DatabaseError:
            let detail = error.message ?? "no further words"
            switch error.resultCode {
            case .SQLITE_FULL: self = .full(path: path)
            case .SQLITE_BUSY, .SQLITE_LOCKED: self = .busy(path: path)
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .corrupt(path: path, detail: detail)
            case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM: self = .notWritable(path: path, detail: detail)
            default: self = .other(path: path, code: error.extendedResultCode.rawValue, detail: detail)
            }
        default: self = .other(path: path, code: -1, detail: "\(error)")
        }
    }

    /// What happened and the cure, in one line.
    public var description: String {
        switch self {
        case .full(let path): "\(path): the disk or the store's size limit is full; nothing of this change was kept"
        case .busy(let path): "\(path): held by another process; stop it or give each its own store"
        case .corrupt(let path, let detail):
            "\(path): damaged (\(detail)); move it aside and replay the journal, which rebuilds it"
        case .notWritable(let path, let detail): "\(path): cannot be opened for writing (\(detail))"
        case .newer(let path): "\(path): made by a newer version of penstock; use that version"
        case .stale(let path, let incident): "\(path): incident \(incident) was changed by another process meanwhile"
        case .other(let path, let code, let detail): "\(path): SQLite error \(code): \(detail)"
        }
    }
}
