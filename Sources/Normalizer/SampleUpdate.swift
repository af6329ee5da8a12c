// SPDX-License-Identifier: Apache-2.0
public import Documents

/// Mapping files whose samples say what the records become now.
public struct SampleUpdate {
    /// A file that changes.
    public struct File {
        /// Its name.
        public let name: String
        /// Its new text; everything but expected values is as it was.
        public let text: String
        /// How many of its samples changed.
        public let samples: Int
        /// How many of their attributes.
        public let attributes: Int
    }

    /// The files that change.
    public private(set) var files: [File] = []
    /// How many failing samples are left as they are; why is a complaint at each.
    public private(set) var refused = 0

    /// Works out the new texts of `files` from what became of their samples. Nothing is written.
    ///
    /// A sample is left alone when another mapping took its record or when its event would not be valid: neither is what
    /// anybody expects. A file whose new text would not read as meant is left alone as a whole.
    public init(_ outcomes: [SampleOutcome], files: [(name: String, text: String)], complaints: Complaints) {
        for (name, text) in files {
            let failed = outcomes.filter { $0.file == name && !$0.passed }
            guard !failed.isEmpty else { continue }
            guard var editor = TextEditor(text, file: name) else {
                refused += failed.count
                complaints.add(Complaint(file: name, "it changed while it was read; nothing is rewritten"))
                continue
            }
            var samples = 0
            var attributes = 0
            for outcome in failed {
                var attempt = editor
                guard let element = editor.find(outcome.sample.element) else {
                    refuse(outcome, "its place in the file is not found")
                    continue
                }
                if let surprise = outcome.surprise {
                    refuse(outcome, surprise)
                } else if let fault = outcome.fault {
                    refuse(outcome, "its event would not be valid (\(fault)): correct the mapping first")
                } else if let taken = outcome.taken {
                    let isNone = taken == "unknown"
                    refuse(
                        outcome,
                        isNone
                            ? "no mapping takes the record: correct 'match', or the steps and 'when's"
                            : "'\(taken)' takes the record: make the match of one of the two narrower")
                } else if let count = SampleUpdate.write(outcome, element, &attempt) {
                    editor = attempt
                    samples += 1
                    attributes += count
                } else {
                    refuse(outcome, "it is not written in a way that can be rewritten safely: edit it by hand")
                }
            }
            guard samples > 0 else { continue }
            if let text = editor.finish() {
                self.files.append(File(name: name, text: text, samples: samples, attributes: attributes))
            } else {
                refused += samples
                complaints.add(
                    Complaint(file: name, "the file would not read as meant after the update; it is left as it is"))
            }
        }
    }

    private mutating func refuse(_ outcome: SampleOutcome, _ reason: String) {
        refused += 1
        outcome.sample.element.complain("sample \(outcome.number) of '\(outcome.mapping)' is not rewritten: \(reason)")
    }

    /// Writes what a record became into its sample, and tells how many attributes that are; nil when that cannot be done.
    private static func write(_ outcome: SampleOutcome, _ element: Element, _ editor: inout TextEditor) -> Int? {
        guard !outcome.isOpen else {
            let events = outcome.attributes.map { $0.map { (key: $0.path, value: Optional($0.value)) } }
            let isWritten =
                events.count == 1
                ? editor.insert("expect", events[0], into: element, behind: "input")
                : editor.insert("expect", list: events, into: element, behind: "input")
            return isWritten ? events.reduce(0) { $0 + $1.count } : nil
        }
        for difference in outcome.differences {
            guard let value = editor.find(difference.element), editor.replace(value, with: difference.actual)
            else { return nil }
        }
        return outcome.differences.count
    }
}
