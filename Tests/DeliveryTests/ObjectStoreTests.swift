// SPDX-License-Identifier: Apache-2.0
import Delivery
import Foundation
import Instruments
import Testing

@Suite struct ObjectStoreTests {
    private let registry = Registry()
    private let book = LogBook()

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func dropped(_ reason: String) -> Int { Int(registry.dropped(stage: "lake", reason: reason).current) }

    @Test func anObjectIsWholeAndNeverReplacedByAnother() throws {
        let scratch = try Scratch()
        let store = try LocalObjectStore(directory: scratch.path + "/a/b/lake/")
        try store.put("c/date=2026-01-02/x.parquet", bytes("one").span.bytes, mode: .once)
        try store.put("c/date=2026-01-02/x.parquet", bytes("one").span.bytes, mode: .once)
        let error = #expect(throws: StoreError.self) {
            try store.put("c/date=2026-01-02/x.parquet", self.bytes("two").span.bytes, mode: .once)
        }
        #expect(error?.code == .conflict)
        #expect(scratch.files() == ["a/b/lake/c/date=2026-01-02/x.parquet"])
        #expect(try String(contentsOfFile: store.directory + "/c/date=2026-01-02/x.parquet", encoding: .utf8) == "one")
        try store.put("incidents/1.json", bytes("{}").span.bytes, mode: .replace)
        try store.put("incidents/1.json", bytes("{\"r\":2}").span.bytes, mode: .replace)
        #expect(try String(contentsOfFile: store.directory + "/incidents/1.json", encoding: .utf8) == "{\"r\":2}")
    }

    @Test(arguments: [
        "", "/x", "a//b", "../x", "a/../../x", "a/.hidden", "a/\u{0}b", String(repeating: "n", count: 300),
    ])
    func keysStayInsideTheStore(key: String) throws {
        let scratch = try Scratch()
        let store = try LocalObjectStore(directory: scratch.path + "/lake")
        let error = #expect(throws: StoreError.self) { try store.put(key, self.bytes("x").span.bytes, mode: .replace) }
        #expect(error?.code == .key)
        #expect(scratch.files().isEmpty)
    }

    @Test func leftoversOfACrashGo() throws {
        let scratch = try Scratch()
        let store = try LocalObjectStore(directory: scratch.path)
        try store.put("c/date=1/source=s/good.parquet", bytes("x").span.bytes, mode: .once)
        let old = try scratch.file(".incoming/123.1", "half")
        let hours = Date(timeIntervalSinceNow: -2 * 3600)
        try FileManager.default.setAttributes([.modificationDate: hours], ofItemAtPath: old)
        _ = try scratch.file(".incoming/124.1", "being written by another process")
        store.removeLeftovers()
        #expect(scratch.files() == [".incoming/124.1", "c/date=1/source=s/good.parquet"])
    }

    @Test func aStoreThatIsAwayCostsABoundedAmountOfMemory() throws {
        let scratch = try Scratch()
        let store = try LocalObjectStore(directory: scratch.path + "/lake")
        // Where the class's folder should be, there is a file.
        _ = try scratch.file("lake/blocked", "")
        let uploader = ObjectUploader(
            to: store, limit: 2500, retry: .milliseconds(10), registry: registry, log: book.logger())
        uploader.start()
        var taken = 0
        for number in 0..<5 {
            let object = LakeObject(
                key: "blocked/\(number).parquet", mode: .once, rows: 10, bytes: [UInt8](repeating: 1, count: 1000))
            if uploader.submit(object) { taken += 1 }
        }
        #expect(eventually { registry.total("penstock_lake_failures_total") > 5 })
        uploader.stop(timeout: .milliseconds(50))
        #expect(registry.total("penstock_lake_objects_total") == 0)
        #expect(taken == 2)
        #expect(dropped("store_unavailable") == 30)
        #expect(dropped("shutdown") == 20)
        #expect(book.lines.filter { $0.contains("cannot store") }.count == 1, "once a minute")
        #expect(book.lines.contains { $0.contains("misses 20 events in 2 objects") })
        #expect(book.lines.filter { $0.contains("lost blocked/") }.count == 5, "each object with its events")
    }

    @Test(.enabled(if: Scratch.canMount, "needs the right to mount a tmpfs"))
    func aFullDiskLosesNothingWhileMemoryLasts() throws {
        let scratch = try Scratch()
        try #require(try Run("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", scratch.path]).status == 0)
        defer { _ = try? Run("umount", ["-l", scratch.path]) }
        let filler = scratch.path + "/filler"
        #expect(FileManager.default.createFile(atPath: filler, contents: Data(count: 900 * 1024)))
        let store = try LocalObjectStore(directory: scratch.path + "/lake")
        let uploader = ObjectUploader(
            to: store, limit: 500_000, retry: .milliseconds(20), registry: registry, log: book.logger())
        uploader.start()
        func object(_ number: Int) -> LakeObject {
            LakeObject(
                key: "network_activity/\(number).parquet", mode: .once, rows: 7,
                bytes: (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* number) })
        }
        #expect(uploader.submit(object(1)))
        #expect(uploader.submit(object(2)))
        #expect(!uploader.submit(object(3)), "600,000 bytes are above the limit")
        #expect(eventually { registry.total("penstock_lake_failures_total") >= 3 })
        #expect(dropped("store_unavailable") == 7)
        #expect(book.lines.filter { $0.contains("No space left on device") }.count == 1, "once a minute")
        #expect(scratch.files(below: "lake").isEmpty, "nothing half-written")
        try FileManager.default.removeItem(atPath: filler)
        #expect(eventually { registry.total("penstock_lake_objects_total") == 2 })
        #expect(book.lines.contains { $0.contains("takes objects again") })
        uploader.stop()
        #expect(scratch.files(below: "lake") == ["network_activity/1.parquet", "network_activity/2.parquet"])
        #expect(dropped("shutdown") == 0)
    }

    @Test func aDirectoryThatCannotBeMadeIsToldAtOnce() throws {
        let scratch = try Scratch()
        _ = try scratch.file("file", "")
        let error = #expect(throws: StoreError.self) { try LocalObjectStore(directory: scratch.path + "/file/lake") }
        #expect(error?.description.contains("/file") == true)
    }
}
