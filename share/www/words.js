// SPDX-License-Identifier: GPL-2.0-or-later
// words.js - what the page says, in English and Arabic, and how numbers and times are written.
const words = {
    en: {
        title: 'Media', skip: 'Skip to the content', other: 'العربية', nav: 'Parts of this page',
        upload: 'Upload', jobs: 'Jobs', media: 'Media', queue: 'Queue',
        token: 'Token', token_title: 'Access token', token_why: 'Requests are made with a bearer token. It is kept until this tab is closed, and nowhere else.',
        token_use: 'Use it', token_forget: 'Forget it', close: 'Close',
        drop: 'Drop films, sound or pictures here', choose: 'Choose files', uploads: 'Uploads', choose_label: 'Files to upload',
        resumable: 'An upload goes on where it stopped, also after a lost connection or a reload.',
        interrupted: 'Interrupted uploads', again: 'Choose the same file again, and it goes on where it stopped.', go_on: 'Choose {name} again',
        pause: 'Pause', resume: 'Go on', cancel: 'Cancel', discard: 'Discard', retry: 'Try again', of_name: '{act}: {name}',
        waiting: 'Waiting', sending: 'Sending', paused: 'Paused', lost: 'Connection lost, trying again in {n} s', done: 'Sent', gone: 'Cancelled',
        sent_of: '{sent} of {size}', rate: '{rate} a second', left: '{time} left',
        said_done: '{name} has been sent', said_failed: '{name} failed: {why}', said_cancelled: '{name} was cancelled', said_lost: 'Connection lost. The upload of {name} goes on as soon as it is back.',
        follow: 'Follow the processing', ingesting: 'Being taken in', watch: 'Watch',
        pending: 'Waiting', processing: 'In progress', completed: 'Completed', failed: 'Failed', cancelled: 'Cancelled', held: 'Held for review', rejected: 'Refused', uploading: 'Being uploaded',
        degraded: 'completed with losses', all: 'All', state: 'State', none: 'There is nothing here yet.', more: 'Show more', step: 'Step: {step}',
        job: 'Job', steps: 'Steps', parts: 'What follows', progress: 'Progress', created: 'Submitted', started: 'Started', ended: 'Ended', attempts: 'Attempts', attempts_of: '{n} of {max}',
        live: 'Live', polling: 'Asked for every 2 seconds', offline: 'Not connected', stop_asked: 'It is told to stop.', confirm_cancel: 'Cancel this job?',
        said_job: '{type}: {state}', to_asset: 'Show the result', back_jobs: 'All jobs', back_media: 'All media',
        quality: 'Quality', captions_off: 'Off', captions: 'Captions', seek: 'Position in the film', details: 'Details', no_rendition: 'There is nothing to play yet: renditions are being made, or have failed.',
        length: 'Length', size: 'Size', type: 'Type', picture: 'Picture', checksum: 'SHA-256', text: 'What is said', download: 'Original', renditions: 'Renditions',
        waits: 'Ready', later: 'Later', runs: 'Running', oldest: 'Oldest waits for', failures: 'Failures', remedy: 'Remedy', request: 'Request {id}', no_failures: 'Nothing has failed.',
        'p.offline': 'No connection', 'p.offline.d': 'The server does not answer. It is tried again by itself.', 'p.unauthorized': 'A valid token is wanted', 'p.forbidden': 'That is not permitted',
        'p.not-found': 'There is no such thing', 'p.too-large': 'The file is too large', 'p.unsupported-media-type': 'This kind of file is not taken', 'p.no-space': 'The disk or your quota is full',
        'p.too-many-requests': 'Too many requests', 'p.unavailable': 'The service is not available now', 'p.conflict': 'That is not possible now', 'p.refused': 'Refused',
        'r.unauthorized': 'Enter a new token.', 'r.offline': 'Check your connection.', 'r.no-space': 'Cancel uploads that you do not need, or ask the operators.', 'r.unavailable': 'Try again in a while.',
        'r.too-many-requests': 'Wait a moment.', 'r.forbidden': 'Ask for a token with another role.',
        'j.ingest': 'Take in', 'j.transcode': 'Renditions', 'j.thumbnail': 'Pictures', 'j.analyze': 'Analysis', 'j.update': 'Finish', 'j.notify': 'Notify', 'j.distribute': 'Distribute', 'j.probe': 'Probe', 'j.workflow': 'Workflow', 'j.segment': 'Segment',
        'p.bad-request': 'The request is malformed', 'p.method-not-allowed': 'That cannot be done here', 'p.not-acceptable': 'There is no such form of it', 'p.timeout': 'It took too long',
        'p.idempotency-in-progress': 'The same request is being answered', 'p.idempotency-key-reused': 'The same key was used for something else', 'p.gone': 'It is not there any more', 'p.length-required': 'The length is missing',
        'p.precondition-failed': 'It has changed meanwhile', 'p.uri-too-long': 'The address is too long', 'p.invalid-parameters': 'Something in it is not possible', 'p.headers-too-large': 'The request has too much around it',
        'p.checksum-mismatch': 'What arrived is not what was sent', 'p.internal': 'Something went wrong in the service', 'p.not-implemented': 'Nobody here can do that',
        'm.bad-request': 'The request could not be understood.', 'm.unauthorized': 'No token was sent, or it has expired, was altered, or is meant for somebody else.', 'm.forbidden': 'The role of the token, or the address, does not permit it.',
        'm.not-found': 'There is nothing of that name, or it belongs to somebody else.', 'm.method-not-allowed': 'The address does not take such requests.', 'm.not-acceptable': 'The browser accepts no form that there is.', 'm.timeout': 'The bytes did not come in time.',
        'm.conflict': 'Its state does not permit it now.', 'm.idempotency-in-progress': 'The same request is being answered; try again.', 'm.idempotency-key-reused': 'The key was used before for a different request.', 'm.gone': 'It was there, and was removed or has expired.',
        'm.length-required': 'It has to be said how long it is.', 'm.precondition-failed': 'What is there is not what was expected.', 'm.too-large': 'It is larger than is permitted.', 'm.uri-too-long': 'The address and its parameters are too long.',
        'm.unsupported-media-type': 'Films, sound and pictures of the usual kinds are taken.', 'm.invalid-parameters': 'A part is missing, is not known, or has no possible value.', 'm.refused': 'A rule of this service forbids it.', 'm.too-many-requests': 'There were more requests than are permitted.',
        'm.headers-too-large': 'Send fewer or shorter header fields.', 'm.checksum-mismatch': 'It was not kept, and can be sent again.', 'm.internal': 'The log of the service has it under the number below.', 'm.not-implemented': 'Such a request is not known here.',
        'm.unavailable': 'A part of the service is away or busy.', 'm.no-space': 'What was sent so far is kept.',
        'e.failed': 'It did not work.', 'e.not-found': 'What it needs is not there.', 'e.no-such-file': 'There is no such file.', 'e.empty-file': 'The file has no bytes.', 'e.too-large': 'The file has more bytes than allowed.',
        'e.unsupported-type': 'It is not a kind of file that is accepted.', 'e.type-mismatch': 'Its name says one kind of file, its bytes another.', 'e.unsupported-codec': 'Nothing in the file can be decoded here.', 'e.encrypted': 'Picture or sound are encrypted.',
        'e.limit-exceeded': 'It needs more than a limit allows.', 'e.policy': 'A rule of this service refuses it.', 'e.infected': 'The virus scanner found something.', 'e.damaged': 'The file is damaged.', 'e.truncated': 'The end of the file is missing.',
        'e.no-decodable-stream': 'There is no picture and no sound in it that can be decoded.', 'e.checksum-mismatch': 'The bytes are not those that were recorded.', 'e.verification-failed': 'What was made is not what was wanted, and was discarded.', 'e.timeout': 'It took longer than allowed.',
        'e.worker-crashed': 'The process that worked on it died before it had finished.', 'e.no-space': 'The disk is full.', 'e.cancelled': 'It was cancelled.',
        and_more: 'and {n} more',
    },
    ar: {
        title: 'الوسائط', skip: 'انتقل إلى المحتوى', other: 'English', nav: 'أقسام الصفحة',
        upload: 'رفع', jobs: 'المهام', media: 'الوسائط', queue: 'الطابور',
        token: 'الرمز', token_title: 'رمز الدخول', token_why: 'تُرسل الطلبات مع رمز دخول. يُحفظ الرمز حتى إغلاق هذه النافذة ولا يُحفظ في مكان آخر.',
        token_use: 'استخدمه', token_forget: 'انسَ الرمز', close: 'إغلاق',
        drop: 'أفلت مقاطع الفيديو أو الصوت أو الصور هنا', choose: 'اختر ملفات', uploads: 'عمليات الرفع', choose_label: 'الملفات المراد رفعها',
        resumable: 'يُستأنف الرفع من حيث توقف، حتى بعد انقطاع الاتصال أو إعادة تحميل الصفحة.',
        interrupted: 'عمليات رفع متوقفة', again: 'اختر الملف نفسه مرة أخرى ليُستأنف رفعه من حيث توقف.', go_on: 'اختر {name} مرة أخرى',
        pause: 'إيقاف مؤقت', resume: 'استئناف', cancel: 'إلغاء', discard: 'حذف', retry: 'أعد المحاولة', of_name: '{act}: {name}',
        waiting: 'في الانتظار', sending: 'يُرفع الآن', paused: 'متوقف مؤقتًا', lost: 'انقطع الاتصال، إعادة المحاولة بعد {n} ث', done: 'تم الرفع', gone: 'أُلغي',
        sent_of: '{sent} من {size}', rate: '{rate} في الثانية', left: 'بقي {time}',
        said_done: 'تم رفع {name}', said_failed: 'تعذّر رفع {name}: {why}', said_cancelled: 'أُلغي {name}', said_lost: 'انقطع الاتصال. يُستأنف رفع {name} فور عودته.',
        follow: 'تابع المعالجة', ingesting: 'قيد الاستلام', watch: 'شاهد',
        pending: 'في الانتظار', processing: 'قيد التنفيذ', completed: 'اكتمل', failed: 'فشل', cancelled: 'أُلغي', held: 'محجوز للمراجعة', rejected: 'مرفوض', uploading: 'يُرفع',
        degraded: 'اكتمل مع نقص', all: 'الكل', state: 'الحالة', none: 'لا شيء هنا بعد.', more: 'عرض المزيد', step: 'الخطوة: {step}',
        job: 'المهمة', steps: 'الخطوات', parts: 'ما يليها', progress: 'التقدم', created: 'أُرسلت', started: 'بدأت', ended: 'انتهت', attempts: 'المحاولات', attempts_of: '{n} من {max}',
        live: 'مباشر', polling: 'يُسأل عنها كل ثانيتين', offline: 'غير متصل', stop_asked: 'طُلب إيقافها.', confirm_cancel: 'هل تريد إلغاء هذه المهمة؟',
        said_job: '{type}: {state}', to_asset: 'عرض النتيجة', back_jobs: 'كل المهام', back_media: 'كل الوسائط',
        quality: 'الجودة', captions_off: 'بدون', captions: 'الترجمة', seek: 'الموضع في المقطع', details: 'التفاصيل', no_rendition: 'لا يوجد ما يُشغَّل بعد: النسخ قيد الإعداد أو فشل إعدادها.',
        length: 'المدة', size: 'الحجم', type: 'النوع', picture: 'الصورة', checksum: 'SHA-256', text: 'النص المنطوق', download: 'الأصل', renditions: 'النسخ',
        waits: 'جاهزة', later: 'لاحقًا', runs: 'قيد التنفيذ', oldest: 'أقدم انتظار', failures: 'الإخفاقات', remedy: 'الحل', request: 'الطلب {id}', no_failures: 'لم يفشل شيء.',
        'p.offline': 'لا يوجد اتصال', 'p.offline.d': 'الخادم لا يجيب. تُعاد المحاولة تلقائيًا.', 'p.unauthorized': 'يلزم رمز دخول صالح', 'p.forbidden': 'هذا غير مسموح',
        'p.not-found': 'غير موجود', 'p.too-large': 'الملف كبير جدًا', 'p.unsupported-media-type': 'هذا النوع من الملفات غير مقبول', 'p.no-space': 'امتلأ القرص أو حصتك',
        'p.too-many-requests': 'طلبات كثيرة جدًا', 'p.unavailable': 'الخدمة غير متاحة الآن', 'p.conflict': 'هذا غير ممكن الآن', 'p.refused': 'مرفوض',
        'r.unauthorized': 'أدخل رمزًا جديدًا.', 'r.offline': 'تحقق من اتصالك.', 'r.no-space': 'ألغِ عمليات الرفع التي لا تحتاجها أو اسأل المشغّلين.', 'r.unavailable': 'أعد المحاولة بعد قليل.',
        'r.too-many-requests': 'انتظر لحظة.', 'r.forbidden': 'اطلب رمزًا بصلاحية أخرى.',
        'j.ingest': 'استلام', 'j.transcode': 'إعداد النسخ', 'j.thumbnail': 'الصور', 'j.analyze': 'تحليل', 'j.update': 'إنهاء', 'j.notify': 'إشعار', 'j.distribute': 'توزيع', 'j.probe': 'فحص', 'j.workflow': 'سير العمل', 'j.segment': 'مقطع',
        'p.bad-request': 'الطلب غير صحيح', 'p.method-not-allowed': 'لا يمكن ذلك هنا', 'p.not-acceptable': 'لا تتوفر صيغة مقبولة', 'p.timeout': 'استغرق ذلك وقتًا طويلًا',
        'p.idempotency-in-progress': 'الطلب نفسه قيد المعالجة', 'p.idempotency-key-reused': 'استُخدم المفتاح نفسه لطلب آخر', 'p.gone': 'لم يعد موجودًا', 'p.length-required': 'الطول غير مذكور',
        'p.precondition-failed': 'تغيّر في هذه الأثناء', 'p.uri-too-long': 'العنوان طويل جدًا', 'p.invalid-parameters': 'في الطلب قيمة غير ممكنة', 'p.headers-too-large': 'ترويسة الطلب كبيرة جدًا',
        'p.checksum-mismatch': 'ما وصل يختلف عما أُرسل', 'p.internal': 'حدث خطأ في الخدمة', 'p.not-implemented': 'هذا غير معروف هنا',
        'm.bad-request': 'تعذّر فهم الطلب.', 'm.unauthorized': 'لم يُرسل رمز، أو انتهت صلاحيته، أو عُدّل، أو يخص غيرك.', 'm.forbidden': 'صلاحية الرمز أو العنوان لا تسمح بذلك.',
        'm.not-found': 'لا شيء بهذا الاسم، أو أنه يخص غيرك.', 'm.method-not-allowed': 'هذا العنوان لا يقبل مثل هذا الطلب.', 'm.not-acceptable': 'لا يقبل المتصفح أيًّا من الصيغ المتاحة.', 'm.timeout': 'لم تصل البيانات في الوقت المحدد.',
        'm.conflict': 'حالته الآن لا تسمح بذلك.', 'm.idempotency-in-progress': 'الطلب نفسه قيد المعالجة؛ أعد المحاولة.', 'm.idempotency-key-reused': 'سبق استخدام المفتاح لطلب مختلف.', 'm.gone': 'كان موجودًا، ثم حُذف أو انتهت مدته.',
        'm.length-required': 'يجب ذكر الطول.', 'm.precondition-failed': 'الموجود ليس كما هو متوقع.', 'm.too-large': 'هو أكبر من المسموح.', 'm.uri-too-long': 'العنوان ومعاملاته أطول من المسموح.',
        'm.unsupported-media-type': 'تُقبل مقاطع الفيديو والصوت والصور بأنواعها الشائعة.', 'm.invalid-parameters': 'جزء مفقود أو غير معروف أو قيمته غير ممكنة.', 'm.refused': 'قاعدة في هذه الخدمة تمنع ذلك.', 'm.too-many-requests': 'عدد الطلبات أكبر من المسموح.',
        'm.headers-too-large': 'أرسل حقول ترويسة أقل أو أقصر.', 'm.checksum-mismatch': 'لم يُحفظ، ويمكن إرساله مرة أخرى.', 'm.internal': 'يجده المشغّلون في السجل تحت الرقم أدناه.', 'm.not-implemented': 'مثل هذا الطلب غير معروف هنا.',
        'm.unavailable': 'جزء من الخدمة غائب أو مشغول.', 'm.no-space': 'ما أُرسل حتى الآن محفوظ.',
        'e.failed': 'لم ينجح ذلك.', 'e.not-found': 'ما يحتاج إليه غير موجود.', 'e.no-such-file': 'لا يوجد ملف كهذا.', 'e.empty-file': 'الملف فارغ.', 'e.too-large': 'حجم الملف أكبر من المسموح.',
        'e.unsupported-type': 'هذا النوع من الملفات غير مقبول.', 'e.type-mismatch': 'اسم الملف يدل على نوع ومحتواه على نوع آخر.', 'e.unsupported-codec': 'لا يمكن فك ترميز أي شيء في الملف هنا.', 'e.encrypted': 'الصورة أو الصوت مشفّران.',
        'e.limit-exceeded': 'يحتاج إلى أكثر مما يسمح به الحد.', 'e.policy': 'قاعدة في هذه الخدمة ترفضه.', 'e.infected': 'وجد فاحص الفيروسات شيئًا.', 'e.damaged': 'الملف تالف.', 'e.truncated': 'نهاية الملف مفقودة.',
        'e.no-decodable-stream': 'ليس فيه صورة ولا صوت يمكن فك ترميزهما.', 'e.checksum-mismatch': 'البيانات ليست كما سُجّلت.', 'e.verification-failed': 'الناتج ليس كما طُلب، فأُهمل.', 'e.timeout': 'استغرق وقتًا أطول من المسموح.',
        'e.worker-crashed': 'توقفت العملية التي تعالجه قبل أن تنتهي.', 'e.no-space': 'القرص ممتلئ.', 'e.cancelled': 'أُلغي.',
        and_more: 'و{n} أخرى',
    },
};

const kept = () => { try { return localStorage.getItem('media-language'); } catch { return null; } };
const asked = new URLSearchParams(location.search).get('lang') || kept() || navigator.language || 'en';
export let language = asked.toLowerCase().startsWith('ar') ? 'ar' : 'en';

export function speak(to) {
    language = to;
    try { localStorage.setItem('media-language', to); } catch { /* only for this visit then */ }
    document.documentElement.lang = to;
    document.documentElement.dir = to === 'ar' ? 'rtl' : 'ltr';
}

export const has = key => key in words[language];

// Names go in between isolates, so that theirs and ours do not mix (Unicode, UAX 9).
export function t(key, values = {}) {
    return (words[language][key] ?? key).replace(/\{(\w+)\}/g, (all, name) =>
        typeof values[name] === 'string' ? `\u2068${values[name]}\u2069` : values[name] ?? all);
}

const locale = () => language === 'ar' ? 'ar-u-nu-latn' : 'en';
export const number = (n, options) => new Intl.NumberFormat(locale(), options).format(n);
export const percent = n => number(n / 100, {style: 'percent', maximumFractionDigits: 0});
export const when = time => time ? new Intl.DateTimeFormat(locale(), {dateStyle: 'medium', timeStyle: 'short'}).format(new Date(time)) : '';

export function bytes(n) {
    const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
    let u = 0;
    for (; n >= 1000 && u < 4; u++) n /= 1000;
    return number(n, {style: 'unit', unit: units[u], unitDisplay: u ? 'short' : 'long', maximumFractionDigits: n < 10 && u ? 1 : 0});
}

// 1:02:03
export function clock(seconds) {
    const s = Math.max(0, Math.round(seconds)), two = n => String(n).padStart(2, '0');
    return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}

const names = {};
export function languageName(code) {
    try { return (names[language] ??= new Intl.DisplayNames([locale()], {type: 'language'})).of(code) || code; } catch { return code; }
}
