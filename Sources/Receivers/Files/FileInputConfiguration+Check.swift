// SPDX-License-Identifier: Apache-2.0

extension FileInputConfiguration {
    /// Everything that is wrong with `configurations`, found without opening a file: names, paths, limits.
    ///
    /// `taken` are the names of the listeners, which file inputs must not have as well.
    public static func complaints(
        about configurations: [FileInputConfiguration], taken: Set<String> = []
    ) -> [String] {
        var complaints: [String] = []
        var names = taken
        var paths: [String: String] = [:]
        for configuration in configurations {
            let title = configuration.title
            if configuration.name.isEmpty { complaints.append("\(title): a file input needs a name") }
            if !names.insert(configuration.name).inserted {
                complaints.append("\(title): another listener or input has that name; each needs its own")
            }
            if let other = paths.updateValue(configuration.name, forKey: configuration.path), !other.isEmpty {
                complaints.append("\(title): file input `\(other)` reads that path already")
            }
            complaints += configuration.faults.map { "\(title): \($0)" }
        }
        return complaints
    }

    private var faults: [String] {
        var faults: [String] = []
        func require(_ name: String, _ value: Int, _ range: ClosedRange<Int>) {
            if !range.contains(value) {
                faults.append("\(name) is \(value); it goes from \(range.lowerBound) to \(range.upperBound)")
            }
        }
        let (folder, last) = parts
        if last.isEmpty || last == "." || last == ".." {
            faults.append("the path names no file; a folder's files are `\(path.isEmpty ? "FOLDER/" : path)*`")
        }
        if path.utf8.contains(0) { faults.append("the path has a NUL in it") }
        if FileInputConfiguration.isPattern(folder) {
            faults.append("a pattern may only stand in the last part of the path, not in `\(folder)`")
        }
        if mode == .once, from == .end { faults.append("`once` from the `end` would read nothing") }
        require("maxMessageBytes", maxMessageBytes, 480...16 << 20)
        require("pollInterval", pollInterval, 10...3_600_000)
        require("rotateWait", rotateWait, 0...86_400_000)
        require("maxFiles", maxFiles, 1...1_000_000)
        require("maxOpenFiles", maxOpenFiles, 2...100_000)
        return faults
    }
}
