// swift-tools-version: 6.3
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// The fuzzers, in a package of their own: each module that they reach is compiled again with a sanitizer's coverage,
// and the executable's `main` is libFuzzer's. The folders under Sources are links to the program's. Built by scripts/fuzz.

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"), .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"), .enableExperimentalFeature("Lifetimes"),
]

func library(_ name: String, _ pkgConfig: String, apt: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt])])
}

func target(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

let package = Package(
    name: "fuzz",
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        .target(name: "CLinux"),
        library("CZstd", "libzstd", apt: "libzstd-dev"),
        library("CSnappy", "snappy", apt: "libsnappy-dev"),
        library("CPCRE2", "libpcre2-8", apt: "libpcre2-dev"),
        library("CLZ4", "liblz4", apt: "liblz4-dev"),
        library("CZlib", "zlib", apt: "zlib1g-dev"),
        library("COpenSSL", "openssl", apt: "libssl-dev"),
        target("Wire", ["CLinux"]),
        target("Documents", [.product(name: "Yams", package: "Yams")]),
        target("Patterns", ["CPCRE2"]),
        target("Instruments", []),
        target("Events", ["Wire", "CLinux"]),
        target("Codecs", ["Wire", "CLinux", "CZstd", "CSnappy", "CLZ4", "CZlib"]),
        target("Journal", ["Events", "Wire", "Instruments", "CLinux", "CLZ4", "COpenSSL", logging]),
        target("Normalizer", ["Codecs", "Events", "Documents", "Patterns", "Wire", "Instruments"]),
        target("Sigma", ["Events", "Documents", "Patterns", "Wire"]),
        .executableTarget(
            name: "FuzzTargets",
            dependencies: ["Wire", "Codecs", "Events", "Documents", "Journal", "Normalizer", "Sigma"],
            swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])]),
    ],
    swiftLanguageModes: [.v6]
)
