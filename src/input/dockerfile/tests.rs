use proptest::prelude::*;

use super::*;
use crate::{
    fact::{FactKind, Standing},
    input::{Content, Defines},
    text::{Place, Sources},
};

/// Reads a text that lies nowhere, and shows facts and notes in a line each.
fn shown(text: &str, defines: &[(&str, &str)], target: Option<&str>) -> Vec<String> {
    read(text, defines, target).into_iter().map(|(place, said)| format!("{place}{said}")).collect()
}

/// What the facts and notes say, without their places.
fn said(text: &str) -> Vec<String> {
    read(text, &[], None).into_iter().map(|(_, said)| said).collect()
}

fn read(text: &str, defines: &[(&str, &str)], target: Option<&str>) -> Vec<(String, String)> {
    let (mut sources, mut out) = (Sources::default(), Vec::new());
    let defines: Defines = defines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let reading = {
        let mut files = Files::new(&mut sources, &defines).with_target(target);
        let file = files.add("Dockerfile".to_owned(), Content::Owned(text.as_bytes().into()), None, None);
        (FORMAT.read)(&mut files, file)
    };
    let covered = |place: Place| {
        let source = sources.get(place.file);
        format!("{} `{}` ", source.position(place.span.start).line, &source.text()[place.span.start..place.span.end])
    };
    for fact in &reading.facts {
        assert_eq!(fact.standing, Standing::Declared);
        let said = match &fact.kind {
            FactKind::Package(it) => format!("{}{}", it.name, it.specifier),
            FactKind::Image(it) => {
                let role = it.role.word();
                format!("{role} {} {}", it.reference, it.stage.as_deref().unwrap_or("-"))
            }
            FactKind::SystemPackage(it) => format!("{} {}", it.manager, it.name),
            FactKind::Variable(it) => format!("{}={}", it.name, it.value.as_deref().unwrap_or("?")),
            FactKind::ModelSource(it) => format!("model {} by {}", it.address, it.by),
            FactKind::Server(it) => format!("server {}", it.name),
            FactKind::Python(it) => format!("python {it}"),
            FactKind::Cuda(it) => format!("cuda {it}"),
            other => other.word().to_owned(),
        };
        out.push((covered(fact.place), said));
    }
    out.extend(reading.skipped.iter().map(|it| (covered(it.place), format!("- {}", it.reason))));
    out.extend(reading.fault.iter().map(|it| (String::new(), format!("fault: {}", it.message))));
    out
}

#[test]
fn bases_and_stages() {
    for (text, expected) in [
        ("FROM a:1", &["runs a:1 final"][..]),
        ("FROM a:1 AS x\nFROM X as y\nFROM y", &["runs a:1 final"]),
        ("FROM a:1 AS x\nFROM b:2", &["runs b:2 final"]),
        ("FROM a:1 AS x.Y\nFROM b:2\nCOPY --from=X.y /a /b", &["builds a:1 x.Y", "runs b:2 final"]),
        ("FROM a:1\nFROM b:2\nCOPY --from=0 /a /b", &["builds a:1 0", "runs b:2 final"]),
        ("FROM b:2\nCOPY --from=c.example/d:3 /a /b", &["runs b:2 final", "builds c.example/d:3 -"]),
        ("FROM b:2\nRUN --mount=type=bind,from=c:3,target=/x true", &["runs b:2 final", "builds c:3 -"]),
        ("ARG A=1\nARG B=x:$A\nFROM ${B}-y", &["runs x:1-y final"]),
        ("ARG A=1\nFROM x\nRUN pip install p==$A", &["runs x final", "p", "- the version of `p` is not known: `$A` has no value here"]),
        ("ARG A=1\nFROM x\nARG A\nRUN pip install p==$A", &["runs x final", "p==1"]),
        ("FROM x\nARG A=1\nENV A=2\nRUN pip install p==$A", &["runs x final", "p==2"]),
        ("FROM x\nENV A=2\nARG A=1\nRUN pip install p==$A", &["runs x final", "p==2"]),
        ("FROM x AS y\nARG A=1\nFROM y\nRUN pip install p==$A", &["runs x final", "p==1"]),
        ("FROM {{ base }}", &["- `{{` is no reference of an image"]),
        ("FROM scratch\nCMD [\"x\"]", &[]),
    ] {
        assert_eq!(said(text), expected, "{text}");
    }
}

#[test]
fn arguments_and_targets_are_given_from_outside() {
    let text = "ARG A\nFROM x:$A AS one\nARG V=1\nRUN pip install p==$V\nFROM y:1 AS two";
    let given = shown(text, &[("A", "3"), ("V", "2")], Some("ONE"));
    assert_eq!(given, ["2 `x:$A` runs x:3 final", "4 `p==$V` p==2"]);
    assert_eq!(shown(text, &[], Some("1")), ["5 `y:1` runs y:1 final"]);
    assert_eq!(shown(text, &[], Some("no")), ["fault: it has no build stage `no`; its stages are `one`, `two`"]);
    let unknown = shown(text, &[], Some("one"));
    assert_eq!(unknown[1], "2 `x:$A` - `$A` has no value; `--define A=VALUE` gives one");
}

#[test]
fn variables_of_the_program() {
    for (text, expected) in [
        ("ENV NVIDIA_VISIBLE_DEVICES all devices", &["NVIDIA_VISIBLE_DEVICES=all devices"][..]),
        ("ENV A=\"x y\" LD_LIBRARY_PATH=/a:$LD_LIBRARY_PATH", &["LD_LIBRARY_PATH=/a:$LD_LIBRARY_PATH"]),
        ("ENV LD_LIBRARY_PATH=/a:$LD_LIBRARY_PATH\nENV LD_LIBRARY_PATH /b:${LD_LIBRARY_PATH}", &["LD_LIBRARY_PATH=/b:/a:$LD_LIBRARY_PATH"]),
        ("ENV TF_A=1 TF_A=2\nLABEL TF_B=3\nENV PYTHONUNBUFFERED=1 PATH=/x", &["TF_A=2"]),
        ("ENV TF_A='$B' TF_B=a\\ b", &["TF_A=$B", "TF_B=a b"]),
        ("ENV MODEL_URI=s3://u:p@b/m", &["model s3://b/m by ENV", "MODEL_URI=s3://b/m"]),
    ] {
        assert_eq!(said(&format!("FROM scratch\nCMD x\n{text}")), expected, "{text}");
    }
}

#[test]
fn commands_that_install() {
    for (text, expected) in [
        ("pip install a==1 b", &["a==1", "b"][..]),
        ("/opt/venv/bin/pip3.11 --no-cache-dir install -U 'a >= 1'", &["a>=1"]),
        ("python3 -u -m pip install --user a==1", &["a==1"]),
        ("pip install a\\>=1", &["a>=1"]),
        ("pip install a>=1", &["a", "- the shell takes `>=1` for a redirection: `a` is installed without a bound, and a file `=1` is written; quote the requirement"]),
        ("pip install a>/dev/null", &["a"]),
        ("pip download a==1 && pip wheel b==1 && pip freeze && pip show c", &[]),
        ("pip install --timeout 100 --retries=3 --progress-bar off -q a==1", &["a==1"]),
        ("pip install a==1 && pip uninstall -y a", &[]),
        ("pip install a==1\nRUN pip install a==2", &["a==2", "- `a==1` is replaced by line 4"]),
        ("pip install a==1 a==2", &["a==1", "a==2"]),
        ("pip install ./a-1.0-py3-none-any.whl", &["a"]),
        ("pip install .", &["- what `.` requires is not read: it is a project that no `COPY` brings"]),
        ("apt-get update && apt-get -y install g++ python3.11 && apt-get purge -y g++", &["apt python3.11", "python 3.11"]),
        ("apt-get install -y cuda-toolkit-12-4 && apt-get remove cuda-toolkit-12-4", &[]),
        ("apk add --virtual x gcc && apk add git && apk del x", &["apk git"]),
        ("conda install pytorch=2.1 python=3.10 cuda-toolkit=12.1 c::d=1.2.3=b", &["torch==2.1.*", "python 3.10", "cuda 12.1", "d==1.2.3"]),
        ("mamba install 'a>=1,<2' b==1.2", &["a>=1,<2", "b==1.2"]),
        ("conda run -n x pip install a==1", &["a==1"]),
        ("uv pip install --system a==1 && uv add b==2", &["a==1", "b==2"]),
        ("bash -c 'sh -c \"pip install a==1\"'", &["a==1"]),
        ("echo pip install a==1 && : pip install b==1", &[]),
        ("false && pip install a==1", &[]),
        ("pip install 'a==1.2.*' \"b>=1,!=1.3.*\"", &["a==1.2.*", "b>=1,!=1.3.*"]),
        ("pip install -e ./a[b]", &["- what `./a[b]` requires is not read: it is a project that no `COPY` brings"]),
        ("pip install -e a[b]", &["- what `a[b]` requires is not read: it is a project that no `COPY` brings"]),
        ("curl -sS https://h.example/pip/get-pip.py | python3 && pip install a==1", &["a==1"]),
        ("curl https://h.example/get.sh | sh", &["- what a script installs that is piped into a shell is not known"]),
        ("pip install -r <(cat a.txt b.txt) c", &["c", "- `a.txt` is not followed: no instruction copies a file to `/a.txt`", "- `b.txt` is not followed: no instruction copies a file to `/b.txt`"]),
        ("pip install -r <(grep -v x a.txt)", &["- `<(grep -v x a.txt)` is not followed: what a command prints is not known"]),
        ("pip install -r a.txt; pip install -r a.txt", &["- `a.txt` is not followed: no instruction copies a file to `/a.txt`"]),
        ("x=1; while read y; do pip install a==$x; done", &["- `pip install a==1` may not run: it stands in a loop"]),
        ("f() { pip install a==1; }; g() { pip install b==1; }; f", &["a==1"]),
        ("function f { pip install a==1; }; f && f | true", &["a==1"]),
        ("f() { f; }; f", &["- commands are nested too deeply to be read"]),
        ("pip install a==1; exit 0; pip install b==1", &["a==1"]),
        ("(exit 0); [ -n x ] && exit 1; pip install a==1", &["a==1"]),
        ("bash x.sh && . /etc/profile && sh ./miniconda.sh -b", &["- `x.sh` is not followed: no instruction copies a file to `/x.sh`"]),
        ("X=(a==1 'b>=2'); X+=(c); pip install \"${X[@]}\"", &["a==1", "b>=2", "c"]),
        ("V=12.4.1; pip install x==$(echo $V | cut -d. -f1,2) y`# why`==1 z==$(cat v)", &["x==12.4", "y==1", "z", "- the version of `z` is not known: `$(cat v)` is only known while the image is built"]),
        ("sh cuda_12.4.1_550.54.15_linux.run --silent --toolkit && gosu app pip install a==1", &["cuda 12.4.1", "a==1"]),
        ("pip install a == 1.2 b==2", &["a", "b==2", "- pip refuses `==`: a requirement with blanks in it needs quotes"]),
        ("conda install 'python~=3.10.2' 'a[version=\">=1,<2\"]' 'b 1.2.*' 'c=1|2'", &["python 3.10", "a>=1,<2", "b==1.2.*", "c==1.*|==2"]),
        ("pip install 'a==1", &["a==1", "- a quote in this word never ends: the file may be cut off"]),
        ("f() { pip install $1==${2:-3}; }; f a; f b 4", &["a==3", "b==4"]),
        ("wget https://h.example/a.onnx && curl -O https://h.example/b.txt", &["model https://h.example/a.onnx by wget"]),
    ] {
        assert_eq!(said(&format!("FROM scratch\nCMD x\nRUN {text}")), expected, "{text}");
    }
}

#[test]
fn values_that_depend_on_a_condition() {
    let unknown = "- the version of `a` is not known: `$V` is only known while the image is built";
    for (text, expected) in [
        ("[ -n \"$N\" ] && V=1 || V=2; pip install a==$V", &["a", unknown][..]),
        ("N=; [ -n \"$N\" ] && V=1 || V=2; pip install a==$V", &["a==2"]),
        ("W=3; [ ${#W} -gt 0 ] && V=$W || V=2; pip install a==$V", &["a==3"]),
        ("if [ \"$(x)\" = y ]; then V=1; else V=2; fi; pip install a==$V", &["a", unknown]),
        ("if [ \"$(x)\" = y ]; then V=1; pip install a==$V; fi", &["- `pip install a==1` may not run: its condition cannot be told: `$(x)` is only known while the image is built"]),
        ("case $(x) in y) V=1;; *) V=2;; esac; pip install a==$V", &["a", unknown]),
        ("case $(x) in y) exit 1;; *) V=2; pip install a==$V;; esac", &["a==2"]),
        ("case $(x) in y) pip install a==1;; z) echo no && exit 1;; esac", &["- `pip install a==1` may not run: its condition cannot be told: `$(x)` is only known while the image is built"]),
        ("if [ \"$(x)\" = y ]; then pip install a==1; else echo no; exit 1; fi", &["a==1"]),
        ("if [ \"$(x)\" = y ]; then grep z f && exit 1; else pip install a==1; fi", &["- `pip install a==1` may not run: its condition cannot be told: `$(x)` is only known while the image is built"]),
    ] {
        assert_eq!(said(&format!("FROM scratch\nCMD x\nRUN {text}")), expected, "{text}");
    }
    let cuda = "FROM registry.example/nvidia/cuda:12.4.1-base-ubuntu22.04\nRUN pip install a==${CUDA_VERSION%.*} b==$CUDA_VERSION";
    assert_eq!(said(cuda)[1..], ["a==12.4", "b==12.4.1"]);
    let old = "FROM nvidia/cuda:10.2-base-ubuntu18.04\nRUN pip install a==$CUDA_VERSION";
    assert_eq!(said(old)[1..], ["a", "- the version of `a` is not known: `$CUDA_VERSION` has no value here"]);
}

#[test]
fn what_starts() {
    for (text, expected) in [
        ("CMD [\"tritonserver\", \"--model-repository=gs://b/m\"]", &["server triton", "model gs://b/m by CMD"][..]),
        ("ENTRYPOINT [\"vllm\", \"serve\", \"org/name\"]", &["server vllm", "model org/name by CMD"]),
        ("ENTRYPOINT [\"a\"]\nCMD [\"torchserve\"]\nCMD [\"b\"]", &[]),
        ("CMD exec mlserver start /models", &["server mlserver"]),
        ("CMD [\"/bin/bash\", \"-c\", \"cd x && bentoml serve\"]", &["server bentoml"]),
    ] {
        assert_eq!(said(&format!("FROM scratch\n{text}")), expected, "{text}");
    }
}

/// Words that lead into every part of the reader.
const WORDS: &str = "(FROM |from x:1|AS |y|\n|\n|RUN |COPY |ADD |--from=|y |0|ARG |ENV |A=|\\$A|\\$\\{A|:-|\\}|<<EOF|EOF|\\\\\n|`\n\
    |# escape=`\n|#|pip install |torch==|2.1|>=|conda install |apt-get install |uv sync|-r |req.txt|&& |\\|\\| |; |if |then |fi|for |in |do |done\
    |case |esac|\\(|\\)|\\[|\\]|\"|'|\\$\\(|`| |/|\\.|--mount=|type=bind,|source=|target=|CMD |\\[\"a\", \"-c\", \"|s3://|.whl|é|\\*|\u{feff}|ONBUILD |SHELL |WORKDIR |wget |git clone |cp |=)";

proptest! {
    #[test]
    fn never_panics_and_every_span_lies_inside(words in proptest::collection::vec(WORDS, 0..60)) {
        shown(&format!("FROM a AS y\n{}", words.concat()), &[("A", "1 2")], None);
        shown(&words.concat(), &[], Some("y"));
    }

    #[test]
    fn no_text_panics(text in "\\PC*(\n\\PC*){0,8}") {
        shown(&format!("FROM a\nRUN {text}"), &[], None);
        shown(&text, &[], None);
    }
}

#[test]
fn hostile_files_are_read_in_bounded_time() {
    let doubled = (0..200).fold("ENV A0=xxxxxxxx\n".to_owned(), |text, at| format!("{text}ENV A{}=$A{at}$A{at}\n", at + 1));
    let stages = (0..2000).fold(String::new(), |text, at| format!("{text}FROM s{} AS s{at}\nRUN pip install a==1\n", at.max(1) - 1));
    let set = (0..5_000).fold(String::new(), |text, at| text + "V" + &at.to_string() + "=1; ");
    for text in [
        format!("FROM x\n{doubled}RUN pip install $A200\n"),
        stages,
        format!("FROM x\nRUN {}", "pip install a==1 && ".repeat(20_000)),
        format!("FROM x\nRUN {}", "(".repeat(200_000)),
        format!("FROM x\nRUN {}", "$(".repeat(100_000)),
        format!("FROM x\nRUN {}", "if a; then ".repeat(50_000)),
        format!("FROM x\nRUN {}", "bash -c ".repeat(50_000)),
        format!("FROM x\nRUN pip install {}", "a ".repeat(100_000)),
        format!("FROM x\nENV A=1\nRUN pip install {}", "$A".repeat(100_000)),
        format!("FROM x\nRUN {}", "<<E ".repeat(50_000)),
        format!("FROM x\n{}", "COPY a /b/\nRUN pip install -r /b/c\n".repeat(3_000)),
        format!("FROM x\nRUN {}", "for a in 1 2 3 4 5 6 7 8 9; do ".repeat(30)),
        format!("FROM x\nRUN X=({}) && {}true", "abc ".repeat(200_000), "pip install \"${X[@]}\" && ".repeat(10_000)),
        format!("FROM x\nRUN f() {{ {} }}; {}f", "a; ".repeat(100_000), "f; ".repeat(15_000)),
        format!("FROM x\nRUN pip install a==$(echo x{})", " | tr x y".repeat(50_000)),
        format!("FROM x\nRUN {}{}", set, "if [ $(x) = y ]; then V0=2; else V1=2; fi; ".repeat(5_000)),
    ] {
        shown(&text, &[], None);
    }
}
