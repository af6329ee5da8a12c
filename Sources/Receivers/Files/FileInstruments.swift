// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Instruments

/// The counters of one file input; messages and bytes are those that listeners have too.
struct FileInstruments {
    let messages: Instrument
    let bytes: Instrument
    let open: Instrument
    let followed: Instrument
    let unread: Instrument
    let truncations: Instrument
    let copies: Instrument
    let repeats: Instrument
    private let marks: [(flag: FrameSplitter.Marks, instrument: Instrument)]

    init(_ configuration: FileInputConfiguration, registry: Registry) {
        let input: KeyValuePairs = ["listener": configuration.name]
        let labels: KeyValuePairs = ["listener": configuration.name, "transport": "file"]
        messages = registry.counter(
            "penstock_received_messages_total", labels, help: "Messages received, by listener and transport.")
        bytes = registry.counter(
            "penstock_received_bytes_total", labels, help: "Bytes of messages received, by listener and transport.")
        open = registry.gauge("penstock_files_open", input, help: "Open files, by file input.")
        followed = registry.gauge("penstock_files_followed", input, help: "Files known, by file input.")
        unread = registry.gauge(
            "penstock_file_unread_bytes", input, help: "Bytes of uncompressed files not read yet, by file input.")
        truncations = registry.counter(
            "penstock_file_truncations_total", input,
            help: "Files that were found shorter or with another beginning and read anew, by file input.")
        copies = registry.counter(
            "penstock_file_copies_total", input,
            help: "Files not read from their beginning because their content was read from another, by file input.")
        repeats = registry.counter(
            "penstock_file_possible_repeats_total", input,
            help: "Messages that the run before may have read too, because it was cut off; so many at most came twice.")
        marks = FrameSplitter.Marks.all.filter { $0.flag != .octetCounted }.map {
            (
                $0.flag,
                registry.counter(
                    "penstock_framing_marks_total", ["listener": configuration.name, "mark": $0.name],
                    help: "Frames of streams with something wrong, by listener and what it is.")
            )
        }
    }

    /// Counts what is wrong with a frame.
    func count(_ found: FrameSplitter.Marks) {
        for mark in marks where found.contains(mark.flag) { mark.instrument.add() }
    }
}
