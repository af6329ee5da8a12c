// SPDX-License-Identifier: Apache-2.0
import Dissection
import Foundation
import Testing

/// Every protocol folder is listed, and every listed protocol has a folder (or file).
struct DissectorListTests {
    @Test func theListIsTheFolder() throws {
        var folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        for _ in 0..<3 { folder.deleteLastPathComponent() }
        let protocols = folder.appendingPathComponent("Sources/Dissection/Protocols")
        let names = try FileManager.default.contentsOfDirectory(at: protocols, includingPropertiesForKeys: nil)
            .map { $0.deletingPathExtension().lastPathComponent.lowercased() }
        #expect(Set(names) == Set(Dissectors.names))
    }

    @Test func fieldNamesAreUnique() {
        #expect(Set(RecordField.allCases.map(\.name)).count == RecordField.allCases.count)
        for field in RecordField.allCases {
            #expect(RecordField.numbered(field.rawValue) == field)
            #expect(field.name.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "." || $0 == "_" })
        }
        #expect(RecordField.numbered(0) == nil)
        #expect(RecordField.numbered(.max) == nil)
    }

    @Test func reasonsAreNamedOnce() {
        #expect(Set(SkipReason.allCases.map(\.name)).count == SkipReason.allCases.count)
    }
}
