//! What procrun runs: a program, or Java in a process of its own, or Java inside of the service, which becomes one of its own too.

use svckit_core::definition::Program;

use crate::definition::Span;
use crate::import::ini::Section;
use crate::import::native;
use crate::import::reader::Reader;
use crate::platform::Platform;
use crate::winservice::path;

/// The program with its arguments, its folder and the variables that Java reads.
pub(super) fn program(reader: &mut Reader<'_>, parameters: &mut Section, span: Span) -> Option<Program> {
    let mode = parameters.take("StartMode");
    let word = mode.as_ref().map_or("exe", |mode| mode.value.as_str()).to_ascii_lowercase();
    let place = mode.as_ref().map_or(span, |mode| mode.span);
    let (words, home) = match word.as_str() {
        "exe" | "" => (of_image(reader, parameters, place)?, None),
        "java" => {
            let java = java(reader, parameters, place)?;
            let home = java.rsplit_once('\\').map(|(folder, _)| folder.to_owned());
            (of_class(reader, parameters, java)?, home)
        }
        "jvm" => {
            let message = "the program runs in java.exe, not inside of the service: StartMode=jvm";
            reader.remark(
                place,
                message,
                "see that it stops with Ctrl+C, which runs the shutdown hooks of Java",
            );
            let java = java(reader, parameters, place)?;
            (of_class(reader, parameters, java)?, None)
        }
        other => {
            reader.wrong(place, format!("StartMode can't be {other:?}"), "write exe, java or jvm");
            return None;
        }
    };
    let base = reader.folder();
    let directory = match parameters.take("StartPath").filter(|setting| !setting.value.is_empty()) {
        Some(setting) => native::without_variables(reader, &setting)
            .and_then(|text| reader.path(&text, setting.span, &base))?,
        None => {
            let own = native::folder_of(Platform::Windows, &words[0]);
            let folder = home.unwrap_or(own);
            let which = if folder.is_empty() { "this file" } else { "its program" };
            reader.remark(
                place,
                format!("there is no StartPath: the service runs in the folder of {which}"),
                "",
            );
            reader.path(&folder, place, &base)?
        }
    };
    let mut program = reader.program(words, place, directory)?;
    if let Some(setting) = parameters.take("JvmOptions9") {
        let options = setting.value.lines().filter(|option| !option.is_empty());
        let quoted = options
            .map(|option| if option.contains(' ') { format!("\"{option}\"") } else { option.to_owned() });
        let all = quoted.collect::<Vec<_>>().join(" ");
        reader.variable(&mut program.environment, ("JDK_JAVA_OPTIONS", &all), setting.span);
    }
    Some(program)
}

fn of_image(reader: &mut Reader<'_>, parameters: &mut Section, span: Span) -> Option<Vec<String>> {
    let Some(image) = parameters.take("StartImage").filter(|setting| !setting.value.is_empty()) else {
        reader.wrong(span, "StartImage is missing: there is nothing to run", "write the program");
        return None;
    };
    let mut words = vec![native::without_variables(reader, &image)?];
    words.extend(list(reader, parameters, "StartParams")?);
    Some(words)
}

/// The interpreter: below `JavaHome`, or beside the library that `Jvm` names, or else the one in `PATH`.
fn java(reader: &mut Reader<'_>, parameters: &mut Section, span: Span) -> Option<String> {
    let (home, jvm) = (parameters.take("JavaHome"), parameters.take("Jvm"));
    if let Some(setting) =
        home.filter(|home| !["", "jdk", "jre"].contains(&home.value.to_ascii_lowercase().as_str()))
    {
        let home = native::without_variables(reader, &setting)?;
        return Some(path::below(Platform::Windows, home.trim_end_matches('\\'), &["bin", "java.exe"]));
    }
    if let Some(setting) = jvm.filter(|jvm| !["", "auto"].contains(&jvm.value.to_ascii_lowercase().as_str()))
    {
        let library = native::without_variables(reader, &setting)?;
        let lower = library.to_ascii_lowercase();
        // …\bin\server\jvm.dll
        if let Some(at) = lower.rfind("\\bin\\").filter(|_| lower.ends_with(".dll")) {
            return Some(path::below(Platform::Windows, &library[..at], &["bin", "java.exe"]));
        }
        let message = format!("which Java has {library} is not clear: java.exe is looked up in PATH");
        reader.remark(setting.span, message, "write the whole path of java.exe in run");
    } else {
        let message = "procrun finds Java in the registry: here java.exe is looked up in PATH";
        reader.remark(span, message, "write the whole path of java.exe in run");
    }
    Some("java.exe".to_owned())
}

/// Java with its options, the class and its arguments, in procrun's order.
fn of_class(reader: &mut Reader<'_>, parameters: &mut Section, java: String) -> Option<Vec<String>> {
    let mut words = vec![java];
    let place = parameters.last_of("JvmOptions").map(|setting| setting.span);
    for option in list(reader, parameters, "JvmOptions")? {
        if option == "-Xrs" {
            let help = "a program that stops another way needs it: see the stop ladder";
            reader.remark(
                place.unwrap_or_default(),
                "-Xrs is left out: with it Java doesn't hear Ctrl+C",
                help,
            );
        } else {
            words.push(option);
        }
    }
    for (key, option, unit) in [("JvmMs", "-Xms", "m"), ("JvmMx", "-Xmx", "m"), ("JvmSs", "-Xss", "k")] {
        let Some(setting) = parameters.take(key) else { continue };
        if let Some(number) = reader.number::<u32>(&setting).filter(|number| *number != 0) {
            words.push(format!("{option}{number}{unit}"));
        }
    }
    if let Some(setting) = parameters.take("Classpath").filter(|setting| !setting.value.is_empty()) {
        let classpath = native::without_variables(reader, &setting)?;
        let before_star = |part: &&str| {
            part.strip_suffix('*').is_some_and(|before| !before.is_empty() && !before.ends_with(['\\', '/']))
        };
        let odd = classpath.split(';').find(before_star);
        if let Some(part) = odd {
            let message =
                format!("{part:?} in Classpath means each such .jar to procrun, and nothing to Java");
            reader.remark(setting.span, message, "write FOLDER\\* for all of a folder, or each file");
        }
        words.extend(["-cp".to_owned(), classpath]);
    }
    let class = parameters.take("StartClass").filter(|setting| !setting.value.is_empty());
    words.push(class.map_or_else(|| "Main".to_owned(), |class| class.value.replace('/', ".")));
    let method =
        parameters.take("StartMethod").filter(|method| !["", "main"].contains(&method.value.as_str()));
    if let Some(setting) = method {
        let message = format!("StartMethod={} is not mapped: Java runs main", setting.value);
        reader.remark(setting.span, message, "give the class a main that calls it");
    }
    words.extend(list(reader, parameters, "StartParams")?);
    Some(words)
}

fn list(reader: &mut Reader<'_>, parameters: &mut Section, key: &str) -> Option<Vec<String>> {
    let Some(setting) = parameters.take(key) else { return Some(Vec::new()) };
    let lines = native::without_variables(reader, &setting)?;
    // Quotation marks around a whole value are those of the command line.
    let bare = |line: &str| {
        let inner = line.strip_prefix('"').and_then(|line| line.strip_suffix('"'));
        inner.filter(|inner| !inner.contains('"')).unwrap_or(line).to_owned()
    };
    Some(lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(bare).collect())
}
